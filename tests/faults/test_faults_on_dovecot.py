"""The same faults between the library and a real Dovecot: a sample of each dialogue."""

from __future__ import annotations

from typing import Any

import pytest

from securemail import (
    Account,
    DeadlineError,
    Endpoint,
    Password,
    SecureMailError,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
)
from securemail.testing import AtStep, Corrupt, Cut, Fault, FaultProxy, Reset, Stall
from tests.faults.sweep import about_octets
from tests.servers.dovecot import DovecotWorld

pytestmark = pytest.mark.dovecot

LIMITS = Timeouts(tls=0.2, greeting=0.2, command=0.2)
# Among the steps that every login needs.
PLACES = [AtStep(0, 7), AtStep(2), AtStep(4, 7), AtStep(7)]


def endpoint(world: DovecotWorld, service: Service, tls: TLSMode) -> Endpoint:
    port = {
        (Service.IMAP, TLSMode.IMPLICIT): world.imaps_port,
        (Service.IMAP, TLSMode.STARTTLS): world.imap_port,
        (Service.POP3, TLSMode.IMPLICIT): world.pop3s_port,
        (Service.POP3, TLSMode.STARTTLS): world.pop3_port,
    }[service, tls]
    return Endpoint(world.host, port, tls, addresses=[world.address])


def account(world: DovecotWorld, service: Service, at: Endpoint) -> Account:
    fields: dict[str, Any] = {service.name.lower(): at}
    password = Password("alice", world.passwords["alice"])
    trust = TrustStore.from_pem(world.ca_pem)
    return Account("alice@example.test", credentials=password, trust=trust, **fields)


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
@pytest.mark.parametrize("service", [Service.IMAP, Service.POP3])
@pytest.mark.parametrize("action", [Cut(), Reset(), Corrupt(), Stall()], ids=repr)
async def test_a_fault_on_the_way_to_dovecot_is_an_error_of_ours(
    dovecot_world: DovecotWorld,
    service: Service,
    tls: TLSMode,
    action: Cut | Reset | Corrupt | Stall,
) -> None:
    server = endpoint(dovecot_world, service, tls)
    # A limit that passes is waited for: one is enough.
    for place in PLACES[-1:] if action == Stall() else PLACES:
        async with FaultProxy(server, Fault(action, place)) as proxy:
            mine = account(dovecot_world, service, proxy.endpoint)
            limits = LIMITS if action == Stall() else Timeouts()
            try:
                session = await SecureSession.connect(mine, service, timeouts=limits)
            except SecureMailError as exc:
                is_late = isinstance(exc, DeadlineError)
            else:
                await session.aclose()
                # The words of a greeting matter to nobody.
                assert (action, place) == (Corrupt(), PLACES[0])
                is_late = False
            assert is_late == (action == Stall())
            await proxy.wait_quiet()
            for relayed in proxy.connections:
                assert relayed.struck
                assert list(about_octets(relayed, service)) == []
