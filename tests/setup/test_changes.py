"""configuration_changes() asks what is advertised; a connect never does."""

from __future__ import annotations

import pytest

from securemail import (
    Account,
    DiscoveryError,
    DiscoveryReason,
    Endpoint,
    Password,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
)
from securemail.discovery.changes import ChangeKind
from securemail.discovery.srv import LABELS
from securemail.setup import SRV, configuration_changes
from securemail.testing import MailServer
from tests.setup.dns import Zone, at, srv

MINE = Account("alice@example.org", imap=Endpoint("mail.example.org", 143, TLSMode.STARTTLS))


async def test_implicit_tls_that_is_advertised_now_is_an_offer() -> None:
    zone = Zone({"_imaps._tcp.example.org": (srv("mail.example.org"),)})
    changes = await configuration_changes(MINE, resolver=zone, sources=[SRV()])
    (change,) = changes
    assert change.kind is ChangeKind.BETTER
    upgraded = changes.accept(change)
    assert upgraded.imap == Endpoint(
        "mail.example.org", 993, TLSMode.IMPLICIT, srv_domain="example.org"
    )


async def test_only_the_services_of_the_account_are_asked_about() -> None:
    zone = Zone()
    assert not await configuration_changes(MINE, resolver=zone, sources=[SRV()])
    assert sorted(zone.asked) == ["_imap._tcp.example.org", "_imaps._tcp.example.org"]


async def test_a_service_that_was_withdrawn_is_told() -> None:
    zone = Zone({f"{label}.example.org": (srv(".", 0),) for label in LABELS})
    (change,) = await configuration_changes(MINE, resolver=zone, sources=[SRV()])
    assert change.kind is ChangeKind.WITHDRAWN


@pytest.mark.parametrize("reason", [DiscoveryReason.BOGUS, DiscoveryReason.SERVER_FAILURE])
async def test_what_could_not_be_found_out_is_an_error_and_no_change(
    reason: DiscoveryReason,
) -> None:
    zone = Zone(failures={f"{label}.example.org": reason for label in LABELS})
    with pytest.raises(DiscoveryError) as caught:
        await configuration_changes(MINE, resolver=zone, sources=[SRV()])
    assert caught.value.reason is reason


async def test_a_silent_resolver_ends_in_time() -> None:
    limits = Timeouts(connect=0.05)
    with pytest.raises(DiscoveryError) as caught:
        await configuration_changes(
            MINE, resolver=Zone(is_silent=True), sources=[SRV()], timeouts=limits
        )
    assert caught.value.reason is DiscoveryReason.TIMEOUT


async def test_a_connect_asks_for_no_srv_record_and_goes_where_the_account_says() -> None:
    async with MailServer({"alice": "secret"}) as server:
        elsewhere = {f"{label}.example.org": (srv("elsewhere.example.org"),) for label in LABELS}
        zone = Zone(elsewhere, hosts=at("mail.example.org"))
        port = server.endpoint(TLSMode.IMPLICIT).port
        account = Account(
            "alice@example.org",
            imap=Endpoint("mail.example.org", port, TLSMode.IMPLICIT, srv_domain="example.org"),
            credentials=Password("alice", "secret"),
            trust=TrustStore.from_pem(server.ca.pem),
        )
        for _ in range(2):
            session = await SecureSession.connect(account, Service.IMAP, resolver=zone)
            await session.aclose()
        await server.wait_quiet()
    assert not [name for name in zone.asked if name.startswith("_imap")]
