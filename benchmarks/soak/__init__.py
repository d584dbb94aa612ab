"""Watched mailboxes, random bad luck for minutes, and an exact account in the end."""
