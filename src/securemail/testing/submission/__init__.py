"""The submission service of a `MailServer`."""
