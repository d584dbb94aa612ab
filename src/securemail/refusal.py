"""Why a server or the DNS did not do as it was asked: values that errors carry. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ResponseCode(Enum):
    """Why a POP3 server refuses, as far as it says so to programs (RFC 2449, 3206, 6856)."""

    IN_USE = "IN-USE"
    """Another session has the mailbox; try again later."""
    LOGIN_DELAY = "LOGIN-DELAY"
    """The last login was too short a time ago; the capability LOGIN-DELAY says how long to wait."""
    SYS_TEMP = "SYS/TEMP"
    """Something is broken that will mend by itself."""
    SYS_PERM = "SYS/PERM"
    """Something is broken that somebody must mend."""
    AUTH = "AUTH"
    """The credentials are wrong."""
    UTF8 = "UTF8"
    """The message can be had in UTF-8 mode only: `connect_pop3(..., utf8=True)` (RFC 6856)."""
    NONE = ""
    """It does not say, or in a code that we do not know."""

    @classmethod
    def of(cls, words: str) -> ResponseCode:
        """Return the code in brackets with which a server's words begin.

        RFC 2449 section 8.1.1: what follows a known code behind a slash makes it more precise.
        """
        name, bracket, _ = words.removeprefix("[").partition("]")
        if not words.startswith("[") or not bracket:
            return cls.NONE
        known = (code for code in cls if f"{name.upper()}/".startswith(f"{code.value}/"))
        return next(known, cls.NONE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One mechanism that was tried, or could not be, and what came of it."""

    mechanism: str
    answer: str

    @property
    def code(self) -> ResponseCode:
        """Why the server refused, where it said so as POP3 servers do."""
        return ResponseCode.of(self.answer)

    def __str__(self) -> str:
        return f"{self.mechanism}: {self.answer}"


class DiscoveryReason(Enum):
    """Why something could not be found out."""

    BOGUS = "bogus"
    """DNSSEC: signatures are missing, wrong or expired. Somebody forges answers, or errs."""
    TIMEOUT = "no answer in time"
    """No resolver answered within the time limit."""
    UNREACHABLE = "unreachable"
    """No resolver could be reached, or none is configured."""
    REFUSED = "refused"
    """The resolver does not answer us, or not such questions."""
    SERVER_FAILURE = "server failure"
    """The resolver could not find out, and says so."""
    MALFORMED = "malformed"
    """The answer is not one that the DNS has."""
    LIMIT = "too much work"
    """The answer goes past one of the bounds in `securemail.limits`."""
    NOT_FOUND = "not found"
    """It is certain that there is nothing."""
