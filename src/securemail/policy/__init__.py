"""What counts as confidential, and what may be sent when. No I/O here."""
