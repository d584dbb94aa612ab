"""Accounts on disk: in a file of SQLite, without their secrets, and these in the keyring.

`AccountStore` keeps accounts with their policies, their pins and the history of these, and the best
that their connections once had (`Floor`).
"""

from securemail.store.entry import Entry, Login, LoginKind
from securemail.store.errors import StoreError, StoreReason
from securemail.store.exchange import Format
from securemail.store.floor import Fall, Floor
from securemail.store.keyring import Keyring, SystemKeyring
from securemail.store.store import AccountStore
from securemail.store.stored import PinRecord, StoredAccount

__all__ = [
    "AccountStore",
    "Entry",
    "Fall",
    "Floor",
    "Format",
    "Keyring",
    "Login",
    "LoginKind",
    "PinRecord",
    "StoreError",
    "StoreReason",
    "StoredAccount",
    "SystemKeyring",
]
