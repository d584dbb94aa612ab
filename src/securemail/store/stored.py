"""What comes out of the store. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from securemail.account import Account
from securemail.pin import Pin
from securemail.store.entry import Entry, Login


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretNames:
    """Under which names the keyring has the secrets of an account."""

    password: str | None = None
    key: str | None = None
    proxy: str | None = None

    def __iter__(self) -> Iterator[str]:
        return (name for name in (self.password, self.key, self.proxy) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account as it is in the store; `id` stays, `revision` grows with each change.

    It is a value: a change gives a new one, and the old one is then refused as
    `StoreReason.CHANGED`, so that nobody overwrites what they have not seen.
    """

    id: int
    revision: int
    entry: Entry
    names: SecretNames = field(default=SecretNames(), repr=False)

    @property
    def account(self) -> Account:
        """The account without its secrets: `AccountStore.unlock()` returns it with them."""
        return self.entry.account

    @property
    def login(self) -> Login | None:
        """How it logs in: by what, and under which name."""
        return self.entry.login

    @property
    def proxy_username(self) -> str:
        """The user name for its proxy, which `account.proxy` has no more than the password."""
        return self.entry.proxy_username


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRecord:
    """A pin that an account has or had; `undone_at` is None as long as it is in force."""

    pin: Pin
    undone_at: datetime | None = None
