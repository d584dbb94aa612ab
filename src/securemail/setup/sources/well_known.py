"""Guesses at host names in the domain itself, believed only with a validated certificate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.discovery.endpoints import with_endpoint
from securemail.discovery.finding import Advertised, Finding
from securemail.errors import SecureMailError
from securemail.session import SecureSession
from securemail.setup.source import Question

Ports = Mapping[tuple[Service, TLSMode], int]

# What providers call their hosts, the usual first.
NAMES: Final[Mapping[Service, tuple[str, ...]]] = {
    Service.IMAP: ("imap", "mail"),
    Service.POP3: ("pop", "pop3", "mail"),
    Service.SUBMISSION: ("smtp", "submission", "mail"),
}

# RFC 8314 section 7; implicit TLS before STARTTLS.
PORTS: Final[Ports] = MappingProxyType(
    {
        (Service.IMAP, TLSMode.IMPLICIT): 993,
        (Service.IMAP, TLSMode.STARTTLS): 143,
        (Service.POP3, TLSMode.IMPLICIT): 995,
        (Service.POP3, TLSMode.STARTTLS): 110,
        (Service.SUBMISSION, TLSMode.IMPLICIT): 465,
        (Service.SUBMISSION, TLSMode.STARTTLS): 587,
    }
)


@dataclass(frozen=True, slots=True)
class WellKnown:
    """Host names that providers like to use, tried all at once.

    A guess counts only if a server answers that proves to be the one of that name, at the RFC's
    minimum. It is told nothing: no name, no password; in the submission protocol EHLO with a
    neutral name, and STARTTLS.
    """

    name: str = "well-known name"
    ports: Ports = field(default_factory=lambda: PORTS)

    async def find(self, question: Question) -> Finding:
        """Return the servers that answered with a validated certificate; the others are no news."""
        guesses = list(self._guesses(question))
        answered = await asyncio.gather(*(_answers(guess, question) for guess in guesses))
        good = [guess for guess, is_good in zip(guesses, answered, strict=True) if is_good]
        return Finding(source=self.name, servers=tuple(good))

    def _guesses(self, question: Question) -> Iterable[Advertised]:
        for (service, tls), port in self.ports.items():
            if service not in question.services:
                continue
            behind = 0 if tls is TLSMode.IMPLICIT else len(NAMES[service])
            for place, name in enumerate(NAMES[service], behind):
                endpoint = Endpoint(f"{name}.{question.domain}", port, tls)
                yield Advertised(
                    service=service,
                    endpoint=endpoint,
                    preference=place,
                    reasons=(f"a guess: {endpoint} answers, with a certificate for that name",),
                )


async def _answers(guess: Advertised, question: Question) -> bool:
    """Return whether the guessed server is there and is whom its name says."""
    # An account of its own, without credentials, and with the RFC's minimum.
    account = Account(question.address, trust=question.trust)
    probe = with_endpoint(account, guess.service, guess.endpoint)
    try:
        session = await SecureSession.open(
            probe, guess.service, timeouts=question.timeouts, resolver=question.resolver
        )
        try:
            if guess.endpoint.tls is TLSMode.STARTTLS:
                await session.starttls()
            return not session.confidentiality.shortfalls
        finally:
            session.abort()
    except SecureMailError:
        return False
