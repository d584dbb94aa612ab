"""What `securemail fetch` is made of: mailboxes to read, a journal, a Maildir and an mbox."""
