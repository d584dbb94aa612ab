"""The life of an account, and all that a program could hear in it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiosmtplib

from securemail import SecureMailError, SecureSession, Service
from tests.secrecy import Ear, found, shown, told

MESSAGE: Final = b"From: alice@example.org\r\nTo: bob@example.org\r\n\r\ntext\r\n"


class Life:
    """All that a program could hear in the life of an account."""

    def __init__(self) -> None:
        self.ear = Ear()
        self.texts: list[str | bytes] = []

    async def live(self, mine: Any, service: Service) -> SecureMailError | None:
        """Connect, use and close; keep what was told."""
        self.texts += shown(mine)
        session = None
        error: SecureMailError | None = None
        try:
            session = await SecureSession.open(mine, service, observer=self.ear)
            await session.discover()
            await session.authenticate()
            self.texts += shown(session)
            await self.use(session.client, service)
        except SecureMailError as exc:
            error = exc
        except aiosmtplib.SMTPException as exc:
            self.texts += [str(exc), repr(exc), repr(vars(exc))]
        if session is not None:
            await session.aclose()
            self.texts += shown(session)
        if error is not None:
            self.texts += told(error)
        return error

    async def use(self, client: Any, service: Service) -> None:
        match service:
            case Service.IMAP:
                await client.select("INBOX")
            case Service.POP3:
                await client.stat()
            case Service.SUBMISSION:
                await client.submit(MESSAGE)

    def finds(self, *secrets: str | bytes) -> list[str]:
        kept = [each.encode() if isinstance(each, str) else each for each in secrets]
        return found([*self.texts, *self.ear.heard], kept)


class _Handler(logging.Handler):
    def __init__(self, ear: Ear) -> None:
        super().__init__(logging.DEBUG)
        self.emit = ear.emit  # type: ignore[method-assign]  # an ear in its place


@contextmanager
def listening(life: Life | None = None) -> Iterator[Life]:
    """Yield a life all of whose logs and warnings are kept, those of other libraries included."""
    life = life or Life()
    handler = _Handler(life.ear)
    names = [None, "aioimaplib", "aioimaplib.aioimaplib", "aiosmtplib", "asyncio", "securemail"]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield life
            life.texts += [str(each.message) for each in warned]
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
