"""The dialogues up to login, as transition tables. No I/O here."""
