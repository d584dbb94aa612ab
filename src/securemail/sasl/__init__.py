"""SASL mechanisms (RFC 4422). No I/O here."""
