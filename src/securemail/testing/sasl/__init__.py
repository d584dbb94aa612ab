"""The server's side of SASL, for any protocol (RFC 4422).

Written by the RFCs with hashlib and hmac alone, apart from what the library uses: one mistake must
not hide another.
"""
