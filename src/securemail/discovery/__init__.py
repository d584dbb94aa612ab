"""From what is advertised about a mail domain to the servers of an account. No I/O here."""
