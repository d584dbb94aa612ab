"""From an address to a plan, and what happens when the DNS is silent, late or lies."""

from __future__ import annotations

import asyncio
import socket

import pytest

from securemail import (
    ConfirmationRequired,
    DeadlineError,
    DiscoveryError,
    DiscoveryReason,
    Resolver,
    SecureMailError,
    Service,
    Timeouts,
    TLSMode,
    UsageError,
)
from securemail.discovery.finding import Finding
from securemail.discovery.srv import LABELS
from securemail.records import DNSSEC
from securemail.setup import SRV, Question, default_sources, discover
from tests.discovery.records import server
from tests.setup.dns import Zone, at, srv

ADDRESS = "alice@example.org"
SHORT = Timeouts(connect=0.05, total=5)
FULL = {
    "_imaps._tcp.example.org": (srv("mail.example.org"),),
    "_submissions._tcp.example.org": (srv("mail.example.org", 465),),
}


class Told:
    """A source that knows its answer, and remembers what it was asked for."""

    name = "told"

    def __init__(self, *servers: object) -> None:
        self.finding = Finding(source=self.name, servers=servers)  # type: ignore[arg-type]  # what its fields are of
        self.questions: list[Question] = []

    async def find(self, question: Question) -> Finding:
        self.questions.append(question)
        return self.finding


async def test_an_address_becomes_a_plan_by_its_srv_records() -> None:
    plan = await discover(ADDRESS, resolver=Zone(FULL), sources=[SRV()])
    (imap,) = plan.candidates(Service.IMAP)
    assert str(imap.endpoint) == "mail.example.org:993"
    assert imap.endpoint.tls is TLSMode.IMPLICIT
    assert imap.endpoint.srv_domain == "example.org"
    assert imap.source == "SRV"
    assert imap.usable
    account = plan.account()
    assert account.submission is not None
    assert account.submission.port == 465


async def test_all_six_questions_are_asked_at_once() -> None:
    zone = Zone(FULL)
    await discover(ADDRESS, resolver=zone, sources=[SRV()])
    assert len(zone.asked) == zone.most_at_once == 6


async def test_a_domain_in_another_script_is_asked_about_in_a_labels() -> None:
    name = "_imaps._tcp.xn--bcher-kva.example"
    zone = Zone({name: (srv("mail.xn--bcher-kva.example"),)})
    plan = await discover("用户@bücher.example", resolver=zone, sources=[SRV()])
    assert name in zone.asked
    assert plan.candidates(Service.IMAP)[0].usable
    assert plan.account().address == "用户@bücher.example"


async def test_a_later_source_is_asked_only_for_what_is_missing() -> None:
    later = Told(server("smtp.example.org", service=Service.SUBMISSION))
    zone = Zone({"_imaps._tcp.example.org": (srv("mail.example.org"),)})
    plan = await discover(ADDRESS, resolver=zone, sources=[SRV(), later])
    assert [question.services for question in later.questions] == [frozenset({Service.SUBMISSION})]
    sources = [plan.candidates(service)[0].source for service in (Service.IMAP, Service.SUBMISSION)]
    assert sources == ["SRV", "told"]


async def test_where_the_records_have_all_nobody_else_is_told_of_the_address() -> None:
    later = Told()
    await discover(ADDRESS, resolver=Zone(FULL), sources=[SRV(), later])
    assert later.questions == []


async def test_what_the_domain_does_not_offer_is_not_looked_for_elsewhere() -> None:
    later = Told()
    nothing = {f"_{name}._tcp.example.org": (srv(".", 0),) for name in ("imaps", "pop3s")}
    sending = {"_submissions._tcp.example.org": (srv("mail.example.org", 465),)}
    plan = await discover(ADDRESS, resolver=Zone({**nothing, **sending}), sources=[SRV(), later])
    assert later.questions == []
    assert plan.not_offered == {Service.IMAP, Service.POP3}


async def test_a_resolver_that_answers_nothing_ends_in_a_typed_error_in_time() -> None:
    before = asyncio.get_running_loop().time()
    with pytest.raises(DiscoveryError) as caught:
        await discover(ADDRESS, resolver=Zone(is_silent=True), sources=[SRV()], timeouts=SHORT)
    assert caught.value.reason is DiscoveryReason.TIMEOUT
    assert asyncio.get_running_loop().time() - before < 2


async def test_with_all_sources_too_a_silent_resolver_ends_in_time() -> None:
    with pytest.raises(SecureMailError):
        await discover(ADDRESS, resolver=Zone(is_silent=True), timeouts=SHORT)


async def test_the_limit_for_all_of_it_holds() -> None:
    limits = Timeouts(connect=60, total=0.05)
    with pytest.raises(DeadlineError) as caught:
        await discover(ADDRESS, resolver=Zone(is_silent=True), timeouts=limits)
    assert caught.value.phase == "discover"


async def test_a_forged_answer_is_an_error_and_not_an_absence() -> None:
    later = Told(server("mail.example.org"))
    zone = Zone(FULL, failures={"_pop3._tcp.example.org": DiscoveryReason.BOGUS})
    with pytest.raises(DiscoveryError) as caught:
        await discover(ADDRESS, resolver=zone, sources=[SRV(), later])
    assert caught.value.reason is DiscoveryReason.BOGUS
    assert later.questions == []


async def test_one_question_without_an_answer_leaves_the_others_and_a_note() -> None:
    zone = Zone(FULL, failures={"_pop3._tcp.example.org": DiscoveryReason.SERVER_FAILURE})
    plan = await discover(ADDRESS, resolver=zone, sources=[SRV()])
    assert plan.candidates(Service.IMAP)
    assert plan.notes == ("no answer about _pop3._tcp.example.org",)


async def test_a_resolver_that_knows_no_srv_records_leaves_the_other_sources() -> None:
    failures = {f"{label}.example.org": DiscoveryReason.REFUSED for label in LABELS}
    plan = await discover(
        ADDRESS, resolver=Zone(failures=failures), sources=[SRV(), Told(server("mail.example.org"))]
    )
    assert plan.candidates(Service.IMAP)[0].source == "told"
    assert plan.notes[0].startswith("SRV: no answer about")


async def test_that_nothing_was_found_is_an_error_that_says_so() -> None:
    with pytest.raises(DiscoveryError, match=r"no mail server was found for example\.org") as got:
        await discover(ADDRESS, resolver=Zone(), sources=[SRV(), Told()])
    assert got.value.reason is DiscoveryReason.NOT_FOUND


async def test_secure_records_may_lead_out_of_the_domain() -> None:
    foreign = {"_imaps._tcp.example.org": (srv("mail.example.net"),)}
    zone = Zone(foreign, dnssec=DNSSEC.SECURE)
    plan = await discover(ADDRESS, resolver=zone, sources=[SRV()])
    assert plan.candidates(Service.IMAP)[0].usable


async def test_no_connection_reaches_a_host_that_nobody_confirmed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        host.settimeout(0)
        port = host.getsockname()[1]
        records = {f"{label}.example.org": (srv("mail.evil.example", port),) for label in LABELS}
        zone = Zone(records, hosts=at("mail.evil.example"))
        plan = await discover(ADDRESS, resolver=zone)
        with pytest.raises(ConfirmationRequired) as caught:
            plan.account()
        with pytest.raises(BlockingIOError):  # nobody has knocked
            host.accept()
    assert caught.value.hosts == ("mail.evil.example",)
    assert "mail.evil.example" not in zone.asked


async def test_what_is_no_address_is_refused_before_anything_is_asked() -> None:
    zone = Zone()
    with pytest.raises(UsageError):
        await discover("alice", resolver=zone)
    assert zone.asked == []


async def test_cancelling_leaves_nothing_behind() -> None:
    zone = Zone(is_silent=True)
    task = asyncio.create_task(discover(ADDRESS, resolver=zone, sources=[SRV()]))
    await zone.was_asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_by_default_no_third_party_is_asked() -> None:
    assert [source.name for source in default_sources()] == [
        "SRV",
        "autoconfig",
        "well-known name",
    ]


async def test_without_a_dns_that_is_said_once_and_not_by_every_source() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
    with pytest.raises(DiscoveryError) as caught:  # nobody listens there any more
        await discover("alice@example.org", resolver=Resolver([("127.0.0.1", port)]))
    assert str(caught.value).count(";") == 1
    assert "cannot be reached: Connection refused" in str(caught.value)
