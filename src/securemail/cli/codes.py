"""How the command ends, for scripts. The numbers are stable. No I/O here."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """What came of it."""

    OK = 0
    """Done; for `check`: all of it is private."""
    NOT_PRIVATE = 1
    """The server is not trusted, or protects less than it should."""
    USAGE = 2
    """The command was not understood, or something that it names is wrong."""
    UNREACHABLE = 3
    """The DNS, the network or the server does not answer."""
    LOGIN = 4
    """The login was refused."""
    CONFIRM = 5
    """A person must confirm a host first."""
    NOT_SENT = 6
    """The message was refused, for some of its recipients or for all."""
    UNKNOWN = 7
    """Nobody knows whether the message was accepted."""
    LOCAL = 8
    """A file or the keyring of this computer cannot be read or written."""
    REFUSED = 9
    """The server refused what was asked, such as to open a mailbox."""
    INTERRUPTED = 130
    """Ctrl-C."""


EXIT_CODES: Final = (
    "Exit codes: 0 fine, 1 not private, 2 wrong usage, 3 no answer, 4 login refused, "
    "5 a host must be confirmed, 6 not sent, 7 unknown whether sent, 8 a file or the keyring "
    "failed, 9 refused by the server, 130 interrupted."
)
