"""What is remembered of servers: for whom, how many, for how long, and on which proof."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509

from securemail import Policy, TLSVersion, Trust, limits
from securemail.aio.known import Known, KnownServer
from securemail.policy.assumption import Standing
from securemail.proof import Proof
from securemail.testing import CertificateAuthority
from tests.tls.test_resumption import key
from tests.values import GOOD_PROOF, UNVALIDATED_PROOF, no_minimum

NOW = dt.datetime.now(dt.UTC)
HOUR = dt.timedelta(hours=1)
KEY, OTHER = key(), key(address="bob@example.org")
LISTED = frozenset({"AUTH=PLAIN", "SASL-IR"})
CHAIN = (x509.load_pem_x509_certificate(CertificateAuthority().pem),)
PROVED = replace(GOOD_PROOF, chain=CHAIN)

# What makes it another server, or a weaker connection to it.
DIFFERENT = {
    "another certificate": replace(
        PROVED, chain=(x509.load_pem_x509_certificate(CertificateAuthority().pem),)
    ),
    "an older TLS": replace(PROVED, tls_version=TLSVersion.TLS_1_2),
    "DANE instead of PKIX": replace(PROVED, trust=Trust.DANE_EE, identity=None),
    "with a client certificate": replace(PROVED, client_certificate_sent=True),
}


class World:
    """One account's view of one server, with a clock that is set."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.at = NOW
        self.known = Known()
        self.server = KnownServer(self.known, KEY, policy or Policy(), lambda: self.at)


def test_what_was_seen_is_known_for_its_own_key_and_proof() -> None:
    world = World()
    world.server.remember(PROVED, LISTED)
    assert world.server.recall(PROVED) == LISTED
    assert replace(world.server, key=OTHER).recall(PROVED) is None


def test_a_resumed_connection_proves_the_same() -> None:
    world = World()
    world.server.remember(PROVED, LISTED)
    assert world.server.recall(replace(PROVED, resumed=True)) == LISTED


@pytest.mark.parametrize("name", DIFFERENT)
def test_nothing_is_assumed_on_another_proof(name: str) -> None:
    world = World()
    world.server.remember(PROVED, LISTED)
    assert world.server.recall(DIFFERENT[name]) is None
    assert Standing.of(DIFFERENT[name]) != Standing.of(PROVED)


@pytest.mark.parametrize(
    ("policy", "proof"),
    [
        (Policy(), UNVALIDATED_PROOF),
        (Policy(minimum_tls=TLSVersion.TLS_1_3), replace(PROVED, tls_version=TLSVersion.TLS_1_2)),
        (no_minimum(), PROVED),
    ],
    ids=["unvalidated", "old", "no minimum"],
)
def test_below_a_minimum_and_without_one_nothing_is_remembered(
    policy: Policy, proof: Proof
) -> None:
    world = World(policy)
    world.server.remember(proof, LISTED)
    assert len(world.known) == 0


def test_a_proof_that_is_too_little_by_now_recalls_nothing() -> None:
    world = World()
    old = replace(PROVED, tls_version=TLSVersion.TLS_1_2)
    world.server.remember(old, LISTED)
    strict = replace(world.server, policy=Policy(minimum_tls=TLSVersion.TLS_1_3))
    assert strict.recall(old) is None


def test_what_is_too_old_is_not_assumed_nor_what_a_clock_makes_new() -> None:
    world = World()
    world.server.remember(PROVED, LISTED)
    world.at = NOW + dt.timedelta(seconds=limits.RESUMPTION_S)
    assert world.server.recall(PROVED) is None
    world.at = NOW - HOUR
    assert world.server.recall(PROVED) is None


def test_a_server_that_changes_its_mind_is_left_alone_for_an_hour() -> None:
    world = World()
    world.server.remember(PROVED, LISTED)
    world.server.bar()
    assert world.server.recall(PROVED) is None
    world.server.remember(PROVED, LISTED)
    assert world.server.recall(PROVED) is None
    world.at = NOW + HOUR
    world.server.remember(PROVED, LISTED)
    assert world.server.recall(PROVED) == LISTED


def test_when_there_are_too_many_servers_the_one_not_seen_for_longest_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "RESUMABLE_SERVERS", 2)
    world = World()
    servers = [replace(world.server, key=key(address=f"{n}@example.org")) for n in range(3)]
    for server in (servers[0], servers[1], servers[0], servers[2]):
        server.remember(PROVED, LISTED)
    assert [server.recall(PROVED) for server in servers] == [LISTED, None, LISTED]


def test_a_server_that_says_too_much_is_not_remembered() -> None:
    world = World()
    most = limits.REMEMBERED_BYTES - 128
    world.server.remember(PROVED, frozenset({"A" * (most + 1)}))
    world.server.remember(PROVED, frozenset(f"CAP{n}" for n in range(limits.CAPABILITIES)))
    assert len(world.known) == 0
    world.server.remember(PROVED, frozenset({"A" * most}))
    assert world.server.recall(PROVED) == frozenset({"A" * most})
