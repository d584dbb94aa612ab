"""Which dialogues are swept: a protocol, a mode and a login, with the embedded server."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, Literal

from securemail import (
    Account,
    ClientCertificate,
    Endpoint,
    OAuthToken,
    Password,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
)
from securemail.testing import CertificateAuthority, MailServer, Offer

Login = Literal["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "EXTERNAL"]

# All that the gate lets out before TLS, whatever the server says.
MAY_LEAVE: Final = {
    Service.IMAP: re.compile(rb"([0-9A-F]{8}\d+ (STARTTLS|CAPABILITY)\r\n)*"),
    Service.POP3: re.compile(rb"((STLS|CAPA)\r\n)*"),
    Service.SUBMISSION: re.compile(rb"((EHLO \[127\.0\.0\.1\]|STARTTLS)\r\n)*"),
}
# One for each dialogue of those that go on at once: POP3 has one session in a mailbox.
USERS: Final = tuple(f"user{number:02}" for number in range(32))
_LOGINS: Final[tuple[Login, ...]] = ("PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "EXTERNAL")
LIMITS: Final = Timeouts(connect=11, tls=12, greeting=13, command=14, total=60)


@dataclass(frozen=True, slots=True)
class Scene:
    service: Service
    tls: TLSMode
    login: Login

    def __str__(self) -> str:
        return f"{self.service.value}-{self.tls.value}-{self.login}"

    def account(self, endpoint: Endpoint, user: str) -> Account:
        fields: dict[str, Any] = {self.service.name.lower(): endpoint}
        match self.login:
            case "EXTERNAL":
                fields["client_certificate"] = client_certificate(user)
            case "OAUTHBEARER":
                fields["credentials"] = OAuthToken(user, partial(_token, user))
            case _:
                fields["credentials"] = Password(user, "secret")
        return Account(f"{user}@example.org", trust=TrustStore.from_pem(ca().pem), **fields)

    async def connect(self, endpoint: Endpoint, user: str) -> SecureSession:
        account = self.account(endpoint, user)
        return await SecureSession.connect(account, self.service, timeouts=LIMITS)

    @asynccontextmanager
    async def server(self) -> AsyncIterator[MailServer]:
        async with MailServer(
            dict.fromkeys(USERS, "secret"),
            ca=ca(),
            tokens={f"token-{user}": user for user in USERS},
            client_certificates=self.login == "EXTERNAL",
            offer=Offer(mechanisms=(self.login,), login=False),
        ) as server:
            # Ports come back in a sweep, and a session that is resumed makes another dialogue.
            server._site.context.num_tickets = 0
            yield server


SCENES: Final = tuple(
    Scene(service, tls, login)
    for service, tls, login in itertools.product(
        Service, (TLSMode.IMPLICIT, TLSMode.STARTTLS), _LOGINS
    )
)


@cache
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@cache
def client_certificate(user: str) -> ClientCertificate:
    return ClientCertificate.from_pem(ca().client_pem(user))


async def _token(user: str) -> str:
    return f"token-{user}"
