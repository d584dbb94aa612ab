"""A small POP3 server session (RFC 1939, RFC 2449), on its own parsing."""
