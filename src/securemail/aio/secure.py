"""The TLS engine for one connection of an account."""

from __future__ import annotations

from functools import partial

from securemail.account import Account, Endpoint
from securemail.aio.clock import Clock
from securemail.aio.contexts import shared_context
from securemail.policy.confidentiality import may_show_client_certificate
from securemail.tls.context import ContextKey
from securemail.tls.engine import Engine
from securemail.tls.handshake import Handshake
from securemail.tls.verdict import Rules


async def new_engine(account: Account, endpoint: Endpoint, clock: Clock) -> Engine:
    """Return an engine that will hold the server at `endpoint` to what `account` asks for.

    Raises: DeadlineError when its context cannot be built in time.
    """
    policy, mine = account.policy, account.client_certificate
    key = ContextKey(account.trust, policy.minimum_tls, mine.chain if mine else ())
    rules = Rules(
        host=endpoint.host, is_address=endpoint.is_address, must_validate=policy.has_minimum
    )
    handshake = Handshake(
        rules=rules,
        client_certificate=mine,
        may_show=partial(may_show_client_certificate, policy),
    )
    async with clock.limit("tls", "preparing TLS"):
        return Engine(await shared_context(key), handshake)
