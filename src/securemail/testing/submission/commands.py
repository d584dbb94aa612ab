"""The table of commands, and who runs them (RFC 5321 section 4.1)."""

from __future__ import annotations

from typing import Final

from securemail.testing.connection import Connection
from securemail.testing.submission import login, mail
from securemail.testing.submission.office import Office
from securemail.testing.submission.session import Session

COMMANDS: Final = {
    b"EHLO": login.ehlo,
    b"HELO": login.helo,
    b"STARTTLS": login.starttls,
    b"AUTH": login.auth,
    b"NOOP": login.noop,
    b"RSET": login.rset,
    b"VRFY": login.vrfy,
    b"QUIT": login.quit_,
    b"MAIL": mail.mail,
    b"RCPT": mail.rcpt,
    b"DATA": mail.data,
}


async def serve_submission(connection: Connection, office: Office) -> None:
    """Serve one client until it leaves or quits.

    Raises:
        ConnectionResetError: the client has left.

    """
    await Session(connection, office, COMMANDS).run()
