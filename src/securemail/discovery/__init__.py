"""What the DNS says about an account's servers, and how far it is to be believed. No I/O here."""
