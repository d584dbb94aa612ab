"""What a command is for, and how far a session has come (RFC 8314 section 5.2). No I/O here."""

from __future__ import annotations

from enum import Enum


class Intent(Enum):
    """What a command of ours means to do. Every command class declares one."""

    DISCOVER = "discover"
    """Ask what the server can do: CAPABILITY, CAPA, EHLO."""
    UPGRADE = "upgrade"
    """Ask for TLS: STARTTLS, STLS."""
    AUTHENTICATE = "authenticate"
    """Say who we are: AUTHENTICATE, AUTH, LOGIN, USER."""
    USE = "use"
    """Anything else, leaving included: LOGOUT and QUIT tell an attacker what we speak."""


class Phase(Enum):
    """How far a session has come."""

    CLEARTEXT = "cleartext"
    """No TLS yet: whoever is on the path reads and writes along."""
    SECURED = "secured"
    """TLS is up and meets the account's minimum."""
    BELOW_MINIMUM = "below minimum"
    """TLS is up but does not meet the minimum."""
    AUTHENTICATED = "authenticated"
    """Logged in: `session.client` may be used."""
    CLOSED = "closed"
    """Over."""
