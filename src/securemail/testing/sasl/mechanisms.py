"""Which mechanisms there are, and who runs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from securemail.testing.sasl import oauth, simple
from securemail.testing.sasl.exchange import Exchange
from securemail.testing.sasl.scram import HASHES, scram

# Returns the user. Raises one of the errors of `exchange`.
Run = Callable[[Exchange], Awaitable[str]]

MECHANISMS: Final[dict[str, Run]] = {
    "PLAIN": simple.plain,
    "LOGIN": simple.login,
    "EXTERNAL": simple.external,
    "CRAM-MD5": simple.cram_md5,
    "OAUTHBEARER": oauth.oauthbearer,
    "XOAUTH2": oauth.xoauth2,
    **{name: partial(scram, mechanism=name) for name in HASHES},
    **{f"{name}-PLUS": partial(scram, mechanism=f"{name}-PLUS") for name in HASHES},
}
