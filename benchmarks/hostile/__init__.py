"""The attacks of `securemail.testing.attacks` on other clients: who comes out of which, and how."""
