"""A small IMAP4rev1 server session (RFC 3501), on its own parsing."""
