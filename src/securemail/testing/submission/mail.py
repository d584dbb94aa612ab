"""MAIL, RCPT and DATA, and the parameters of the extensions (RFC 5321, 1870, 3461, 6531, 8689)."""

from __future__ import annotations

import re
from typing import Final

from securemail.testing.submission.office import SubmittedMessage
from securemail.testing.submission.session import ReplyError, Session

_PATH: Final = re.compile(
    r'(?:FROM|TO):<((?:"[^"]*"|[^<>@\s"]+)@[^<>@\s]+|)>((?: \S+)*)\Z', re.IGNORECASE
)
_LONE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_MAX_MESSAGE_BYTES: Final = 160 * 1024 * 1024

# What a parameter looks like, and the extension that it belongs to.
_MAIL: Final = {
    "SIZE": (re.compile(r"\d{1,20}"), "SIZE"),
    "BODY": (re.compile("7BIT|8BITMIME"), "8BITMIME"),
    "SMTPUTF8": (re.compile(""), "SMTPUTF8"),
    "REQUIRETLS": (re.compile(""), "REQUIRETLS"),
    "RET": (re.compile("FULL|HDRS"), "DSN"),
    "ENVID": (re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2}){1,100}"), "DSN"),
}
_RCPT: Final = {
    "NOTIFY": (re.compile("NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*"), "DSN"),
    "ORCPT": (re.compile(r"[!-~]+"), "DSN"),
}


async def mail(session: Session, arguments: str) -> None:
    """MAIL."""
    if not session.user:
        raise ReplyError(530, "5.7.0 log in first")
    if session.sender is not None:
        raise ReplyError(503, "5.5.1 one sender at a time")
    address, parameters = _parsed(session, arguments, _MAIL)
    limit = session.office.max_size
    for name in parameters:
        if limit and name.startswith("SIZE=") and int(name[5:]) > limit:
            raise ReplyError(552, f"5.3.4 {limit} octets are enough")
    if not address.isascii() and "SMTPUTF8" not in parameters:
        raise ReplyError(553, "5.6.7 that needs SMTPUTF8")
    session.sender, session.parameters = address, parameters
    session.reply(250, "2.1.0 ok")


async def rcpt(session: Session, arguments: str) -> None:
    """RCPT."""
    if session.sender is None:
        raise ReplyError(503, "5.5.1 MAIL first")
    address, _ = _parsed(session, arguments, _RCPT)
    if not address:
        raise ReplyError(501, "5.1.3 nobody")
    if not address.isascii() and "SMTPUTF8" not in session.parameters:
        raise ReplyError(553, "5.6.7 that needs SMTPUTF8")
    if not session.office.is_known(address):
        raise ReplyError(550, f"5.1.1 no such user here: {address}")
    session.recipients.append(address)
    session.reply(250, "2.1.5 ok")


async def data(session: Session, arguments: str) -> None:
    """Take the message: DATA."""
    if arguments:
        raise ReplyError(501, "5.5.4 DATA has no parameters")
    if not session.recipients or session.sender is None:
        raise ReplyError(503, "5.5.1 MAIL and RCPT first")
    session.reply(354, "end with a dot on a line of its own")
    message = SubmittedMessage(
        session.user,
        session.sender,
        tuple(session.recipients),
        session.parameters,
        await session.connection.read_dotted(_MAX_MESSAGE_BYTES),
    )
    session.reset()
    _check(session, message)
    session.office.take(message)
    session.reply(250, f"2.0.0 queued as {len(session.office.taken)}")


def _check(session: Session, message: SubmittedMessage) -> None:
    if _LONE.search(message.data):
        raise ReplyError(550, "5.6.0 a lone CR or LF")
    if not message.data.isascii() and "BODY=8BITMIME" not in message.parameters:
        raise ReplyError(554, "5.6.3 8 bits without BODY=8BITMIME")
    if session.office.max_size and len(message.data) > session.office.max_size:
        raise ReplyError(552, f"5.3.4 {session.office.max_size} octets are enough")


def _parsed(
    session: Session, arguments: str, known: dict[str, tuple[re.Pattern[str], str]]
) -> tuple[str, tuple[str, ...]]:
    found = _PATH.match(arguments)
    if found is None:
        raise ReplyError(501, "5.5.2 that is no path")
    parameters = tuple(found[2].upper().split())
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        pattern, extension = known.get(name, (None, ""))
        is_offered = session.office.has(extension) and (
            extension != "REQUIRETLS" or session.is_secured
        )
        if pattern is None or not is_offered or not pattern.fullmatch(value):
            raise ReplyError(555, f"5.5.4 {name} is not known here")
    return found[1], parameters
