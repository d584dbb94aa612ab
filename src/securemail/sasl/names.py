"""How names are written in SCRAM and OAUTHBEARER (RFC 5801 section 4, RFC 5802). No I/O here."""

from __future__ import annotations

from securemail.saslprep import saslprep


def prepared(text: str) -> str:
    """Return `text` as SASLprep has it; accounts hold no text that it does not allow.

    Unassigned code points stay, as RFC 5802 section 5.1 wants it of what a client sends.
    """
    return saslprep(text, allow_unassigned=True)


def saslname(text: str) -> str:
    """Return a name prepared, with "," and "=" escaped."""
    return prepared(text).replace("=", "=3D").replace(",", "=2C")


def authzid(identity: str) -> str:
    """Return the part of a GS2 header that says whom to act as, if anybody."""
    return f"a={saslname(identity)}" if identity else ""
