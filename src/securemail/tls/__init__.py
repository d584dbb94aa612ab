"""The TLS engine, in memory: ciphertext in, plaintext out. No I/O here."""
