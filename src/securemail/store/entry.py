"""What is kept of an account: everything but its secrets. No I/O here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from securemail.account import Account
from securemail.certificate import ClientCertificate
from securemail.credentials import Credentials, OAuthToken, Password
from securemail.errors import UsageError
from securemail.proxy import Proxy
from securemail.secret import Secret

Fetch = Callable[[], Awaitable[str]]


class LoginKind(Enum):
    """What an account logs in with."""

    PASSWORD = "password"  # noqa: S105 - no password, but its name
    OAUTH = "access token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How an account logs in, without its secret."""

    kind: LoginKind
    username: str
    mechanisms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What of an account is not for the file."""

    password: Secret | None = None
    key: Secret | None = None
    """The client certificate's, in PEM (PKCS#8)."""
    proxy_password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An account without its secrets, how it logs in, and its client certificate without the key.

    `account` has neither credentials nor a client certificate, and `is_existing` is true of it. Its
    proxy is there without the user name and the password for it: whoever connects without these is
    refused by the proxy, and not led past it.
    """

    account: Account
    login: Login | None = None
    certificate: bytes = field(default=b"", repr=False)
    """In PEM, with its chain."""
    proxy_username: str = ""

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return what is kept of `account`."""
        return cls(
            account=replace(
                account,
                credentials=None,
                client_certificate=None,
                proxy=_without_login(account.proxy),
                is_existing=True,
            ),
            login=_login_of(account.credentials),
            certificate=_pem_of(account.client_certificate),
            proxy_username=account.proxy.username if account.proxy else "",
        )

    def with_secrets(self, secrets: Secrets, fetch: Fetch | None = None) -> Account:
        """Return the account as it can log in.

        Raises: UsageError when a secret, or `fetch` for an access token, is missing or not fit.
        """
        certificate = None
        if self.certificate:
            if secrets.key is None:
                raise UsageError("the key of its client certificate is missing", field="key")
            certificate = ClientCertificate.from_pem(
                self.certificate, key=secrets.key.reveal().encode()
            )
        return replace(
            self.account,
            credentials=self._credentials(secrets.password, fetch),
            client_certificate=certificate,
            proxy=self._proxy(secrets.proxy_password),
        )

    def _proxy(self, password: Secret | None) -> Proxy | None:
        proxy = self.account.proxy
        if proxy is None or not self.proxy_username:
            return proxy
        if password is None:
            raise UsageError("the password for its proxy is missing", field="proxy")
        name = self.proxy_username
        return Proxy(proxy.kind, proxy.host, proxy.port, username=name, password=password)

    def _credentials(self, password: Secret | None, fetch: Fetch | None) -> Credentials | None:
        match self.login:
            case None:
                return None
            case Login(kind=LoginKind.OAUTH, username=name):
                if fetch is None:
                    raise UsageError("the account wants an access token", field="fetch")
                return OAuthToken(name, fetch)
            case Login(username=name, mechanisms=mechanisms):
                if password is None:
                    raise UsageError("its password is missing", field="password")
                return Password(name, password, mechanisms=mechanisms)


def secrets_of(account: Account) -> Secrets:
    """Return what of `account` is not for the file."""
    password = account.credentials.password if isinstance(account.credentials, Password) else None
    proxy = account.proxy.password if account.proxy and account.proxy.username else None
    if account.client_certificate is None:
        return Secrets(password=password, proxy_password=proxy)
    pem = account.client_certificate.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return Secrets(password=password, key=Secret(pem.decode("ascii")), proxy_password=proxy)


def _login_of(credentials: Credentials | None) -> Login | None:
    match credentials:
        case None:
            return None
        case Password(username=name, mechanisms=mechanisms):
            return Login(kind=LoginKind.PASSWORD, username=name, mechanisms=mechanisms)
        case OAuthToken(username=name):
            return Login(kind=LoginKind.OAUTH, username=name)


def _without_login(proxy: Proxy | None) -> Proxy | None:
    return None if proxy is None else Proxy(proxy.kind, proxy.host, proxy.port)


def _pem_of(certificate: ClientCertificate | None) -> bytes:
    if certificate is None:
        return b""
    path = (certificate.certificate, *certificate.chain)
    return b"".join(one.public_bytes(Encoding.PEM) for one in path)
