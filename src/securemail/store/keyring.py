"""Where secrets are kept: in the system's keyring, and never in the file of accounts."""

from __future__ import annotations

import importlib.util
import secrets as randomness
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from securemail.errors import UsageError
from securemail.secret import Secret
from securemail.store.entry import Secrets
from securemail.store.errors import StoreError, StoreReason
from securemail.store.stored import SecretNames

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

ResultT = TypeVar("ResultT")


class Keyring(Protocol):
    """What keeps secrets under names. Each call may block: it is made in a thread.

    Whatever it raises becomes a StoreError that says no more than the exception's class, since its
    text and its frames may hold the secret.
    """

    def save(self, name: str, secret: Secret) -> None:
        """Keep `secret` under `name`."""

    def load(self, name: str) -> Secret | None:
        """Return the secret of that name; None where there is none."""

    def delete(self, name: str) -> None:
        """Forget the secret of that name."""


class SystemKeyring:
    """The keyring of the desktop, through `keyring`. Needs the extra `securemail[keyring]`.

    One that `keyring` itself does not recommend, such as a file in cleartext, is refused.
    """

    def __init__(
        self, backend: KeyringBackend | None = None, *, service: str = "securemail"
    ) -> None:
        if importlib.util.find_spec("keyring") is None:
            raise UsageError("it needs securemail[keyring]", field="SystemKeyring")
        self._backend = backend
        self._service = service

    def save(self, name: str, secret: Secret) -> None:
        """Keep `secret` under `name`."""
        self._checked().set_password(self._service, name, secret.reveal())

    def load(self, name: str) -> Secret | None:
        """Return the secret of that name; None where there is none."""
        found = self._checked().get_password(self._service, name)
        return None if found is None else Secret(found)

    def delete(self, name: str) -> None:
        """Forget the secret of that name."""
        self._checked().delete_password(self._service, name)

    def _checked(self) -> KeyringBackend:
        # 0.1 s to import, and backends start D-Bus: those who do not ask for it do not wait for it.
        import keyring  # noqa: PLC0415 - see above
        from keyring.core import recommended  # noqa: PLC0415 - likewise

        backend = self._backend or keyring.get_keyring()
        if not recommended(backend):
            kind = f"{type(backend).__module__}.{type(backend).__qualname__}"
            raise StoreError(
                f"no keyring here keeps secrets safe ({kind})", reason=StoreReason.KEYRING
            )
        return backend


@contextmanager
def saved(keyring: Keyring | None, address: str, secrets: Secrets) -> Iterator[SecretNames]:
    """Save what there is, each under a name of its own, and forget it if what is inside fails.

    A secret that is replaced keeps its name until the file has the new one: at no moment is there
    an account whose password is gone.

    Raises: StoreError.
    """
    names = SecretNames() if keyring is None else _new_names(address, secrets)
    try:
        pairs = (
            (names.password, secrets.password),
            (names.key, secrets.key),
            (names.proxy, secrets.proxy_password),
        )
        for name, secret in pairs:
            if keyring and name and secret:
                _quiet(keyring.save, name, secret)
        yield names
    except BaseException:
        forget(keyring, names)
        raise


def load(keyring: Keyring | None, names: SecretNames) -> Secrets:
    """Return the secrets of these names.

    Raises: StoreError when the keyring does not have them.
    """
    found = {name: _loaded(keyring, name) for name in names}
    return Secrets(
        password=found.get(names.password or ""),
        key=found.get(names.key or ""),
        proxy_password=found.get(names.proxy or ""),
    )


def forget(keyring: Keyring | None, names: SecretNames) -> None:
    """Forget the secrets of these names, as far as the keyring lets us: no account has them now."""
    if keyring is None:
        return
    for name in names:
        with suppress(StoreError):
            _quiet(keyring.delete, name)


def _new_names(address: str, secrets: Secrets) -> SecretNames:
    # The keyring's own window shows them to the person; the token keeps stores apart.
    token = randomness.token_hex(8)
    return SecretNames(
        password=f"{address} {token} password" if secrets.password else None,
        key=f"{address} {token} key" if secrets.key else None,
        proxy=f"{address} {token} proxy" if secrets.proxy_password else None,
    )


def _loaded(keyring: Keyring | None, name: str) -> Secret:
    secret = None if keyring is None else _quiet(keyring.load, name)
    if secret is None:
        raise StoreError(f"nothing is kept as {name!r}", reason=StoreReason.KEYRING)
    return secret


def _quiet(action: Callable[..., ResultT], *arguments: object) -> ResultT:
    try:
        return action(*arguments)
    except StoreError:
        raise
    except Exception as exc:  # noqa: BLE001 - each backend has its own
        kind = type(exc).__name__
    # Outside of the handler: neither text nor frames of the backend come along.
    raise StoreError(kind, reason=StoreReason.KEYRING)
