"""Whether somebody else may have a session."""

from __future__ import annotations

from typing import Any

from securemail.account import Service
from securemail.errors import SecureMailError
from securemail.intent import Phase
from securemail.session import SecureSession
from securemail.transports.commands import commands_of


def is_reusable(session: SecureSession[Any]) -> bool:
    """Return whether the session is logged in, and nothing is under way that would be carried on.

    Never so in POP3: the next user's QUIT would delete what this one has marked, and would see no
    message that has come since the login.
    """
    if session.phase is not Phase.AUTHENTICATED:
        return False
    match session.service:
        case Service.IMAP:
            return commands_of(session.client, timeout_s=session.client.timeout).is_quiet
        case Service.SUBMISSION:
            is_quiet: bool = session.client.is_quiet
            return is_quiet
        case Service.POP3:
            return False


async def answers(session: SecureSession[Any]) -> bool:
    """Ask the server of a session that is reusable whether it is there.

    By NOOP in IMAP; by RSET in submission, so that a transaction begun by hand ends with its user.
    A session whose server is not is closed.
    """
    try:
        if session.service is Service.IMAP:
            await commands_of(session.client, timeout_s=session.client.timeout).ask("NOOP")
        else:
            await session.client.check()
    except SecureMailError:
        session.abort()
        return False
    return session.phase is Phase.AUTHENTICATED
