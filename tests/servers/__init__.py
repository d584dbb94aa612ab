"""Real mail servers, each in a private world of its own on loopback."""
