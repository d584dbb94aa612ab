"""The hand-over to a client library once the gate is open."""
