"""The servers as pytest fixtures. tests/conftest.py loads this for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import dane, nsd, prosody, zones
from tests.servers.dane import DaneWorld
from tests.servers.dovecot import DovecotWorld, binary, dovecot
from tests.servers.nsd import DNSWorld
from tests.servers.postfix import PostfixWorld, postfix, why_not
from tests.servers.prosody import ProsodyWorld
from tests.servers.stapler import openssl


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked with a server where there is none: from one place, so in one line."""
    if item.get_closest_marker("dovecot") and binary() is None:
        pytest.skip("dovecot is not installed: run `make test` as root or with sudo")
    if item.get_closest_marker("openssl") and openssl() is None:
        pytest.skip("openssl is not installed: run `make test` as root or with sudo")
    if item.get_closest_marker("postfix") and (reason := why_not()):
        pytest.skip(reason)
    if item.get_closest_marker("nsd") and (reason := nsd.why_not()):
        pytest.skip(reason)
    if item.get_closest_marker("prosody") and prosody.binary() is None:
        pytest.skip("prosody is not installed: run `make test` as root or with sudo")


@pytest.fixture(scope="session")
def dovecot_world() -> Iterator[DovecotWorld]:
    """Return a Dovecot that all tests share: leave its mailboxes as you found them."""
    with dovecot() as world:
        yield world


@pytest.fixture
def own_dovecot() -> Iterator[DovecotWorld]:
    """Return a Dovecot for one test, to be killed, restarted, or filled with mail."""
    with dovecot() as world:
        yield world


@pytest.fixture(scope="session")
def postfix_world() -> Iterator[PostfixWorld]:
    """Return a Postfix that all tests share, with a Dovecot of its own behind it."""
    with postfix() as world:
        yield world


@pytest.fixture
def own_postfix() -> Iterator[PostfixWorld]:
    """Return a Postfix for one test, to be killed."""
    with postfix() as world:
        yield world


@pytest.fixture
def own_prosody() -> Iterator[ProsodyWorld]:
    """Return a Prosody for one test, to be killed."""
    with prosody.prosody() as world:
        yield world


@pytest.fixture(scope="session")
def dns_world() -> Iterator[DNSWorld]:
    """Return the signed world of `zones`, served by NSD, and the unbound in front of it."""
    with nsd.dns_world(zones.authority()) as world:
        yield world


@pytest.fixture(scope="session")
def dane_world(postfix_world: PostfixWorld) -> Iterator[DaneWorld]:
    """Return the shared Dovecot, with a Postfix to relay to, and a signed DNS of its own."""
    with dane.dane_world(postfix_world.dovecot) as world:
        yield world
