"""Every way to log in, at every server, in both modes: the table in docs/interop.md.

With SECUREMAIL_WRITE_INTEROP=1 the table is written from what happened; without, it must say it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from securemail import (
    Account,
    AuthenticationError,
    ClientCertificate,
    Endpoint,
    OAuthToken,
    Password,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
)
from tests.servers.postfix import PostfixWorld

pytestmark = [pytest.mark.dovecot, pytest.mark.postfix]

PAGE: Final = Path(__file__).parents[2] / "docs" / "interop.md"
MODES: Final = (TLSMode.IMPLICIT, TLSMode.STARTTLS)
MECHANISMS: Final = (
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "OAUTHBEARER",
    "EXTERNAL",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One service of one server, and the mechanisms that it cannot do."""

    server: str
    service: Service
    cannot: frozenset[str]


# Dovecot 2.3 binds no channels, and Postfix does not pass the client certificate on to it.
COLUMNS: Final = (
    Column("Dovecot", Service.IMAP, frozenset({"SCRAM-SHA-256-PLUS"})),
    Column("Dovecot", Service.POP3, frozenset({"SCRAM-SHA-256-PLUS"})),
    Column("Dovecot", Service.SUBMISSION, frozenset({"SCRAM-SHA-256-PLUS"})),
    Column("Postfix", Service.SUBMISSION, frozenset({"SCRAM-SHA-256-PLUS", "EXTERNAL"})),
)

_results: Final[dict[tuple[str, Column, TLSMode], bool]] = {}


def endpoint(world: PostfixWorld, column: Column, tls: TLSMode) -> Endpoint:
    dovecot = world.dovecot
    ports = {
        ("Dovecot", Service.IMAP): (dovecot.imaps_port, dovecot.imap_port),
        ("Dovecot", Service.POP3): (dovecot.pop3s_port, dovecot.pop3_port),
        ("Dovecot", Service.SUBMISSION): (dovecot.submissions_port, dovecot.submission_port),
        ("Postfix", Service.SUBMISSION): (world.submissions_port, world.submission_port),
    }
    port = ports[column.server, column.service][MODES.index(tls)]
    return Endpoint(world.host, port, tls, addresses=[world.address])


def account(world: PostfixWorld, column: Column, tls: TLSMode, mechanism: str) -> Account:
    async def fetch() -> str:
        return world.dovecot.token("alice")

    means: dict[str, Any] = {
        column.service.name.lower(): endpoint(world, column, tls),
        "trust": TrustStore.from_pem(world.dovecot.ca_pem),
    }
    if mechanism == "EXTERNAL":
        pem = world.dovecot.client_pem["alice"]
        means["client_certificate"] = ClientCertificate.from_pem(pem)
    elif mechanism == "OAUTHBEARER":
        means["credentials"] = OAuthToken("alice", fetch)
    else:
        password = world.dovecot.passwords["alice"]
        means["credentials"] = Password("alice", password, mechanisms=[mechanism])
    return Account("alice@example.test", **means)


@pytest.mark.parametrize("tls", MODES, ids=lambda tls: tls.name)
@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: f"{c.server}-{c.service.name}")
@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_mechanism_works_where_the_server_has_it(
    postfix_world: PostfixWorld, mechanism: str, column: Column, tls: TLSMode
) -> None:
    mine = account(postfix_world, column, tls, mechanism)
    works = True
    try:
        async with await SecureSession.connect(mine, column.service) as session:
            assert session.authenticated_by == mechanism
    except AuthenticationError:
        works = False
    _results[mechanism, column, tls] = works
    assert works == (mechanism not in column.cannot)


def table(results: dict[tuple[str, Column, TLSMode], bool]) -> str:
    """Return the table of the page."""
    heads = [f"{c.server} {c.service.value}" for c in COLUMNS]
    lines = [f"| mechanism | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for mechanism in MECHANISMS:
        cells = []
        for column in COLUMNS:
            modes = [tls.value for tls in MODES if results[mechanism, column, tls]]
            cells.append(" and ".join(modes) or "no")
        lines.append(f"| {mechanism} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", autouse=True)
def written() -> Iterator[None]:
    """Write the page from what happened, if asked to."""
    yield
    if os.environ.get("SECUREMAIL_WRITE_INTEROP") == "1":
        head = PAGE.read_text().partition("| mechanism")[0]
        PAGE.write_text(head + table(_results))


def test_the_page_says_what_the_tests_above_have_shown() -> None:
    expected = {
        (mechanism, column, tls): mechanism not in column.cannot
        for mechanism in MECHANISMS
        for column in COLUMNS
        for tls in MODES
    }
    shown = re.search(r"\| mechanism.*", PAGE.read_text(), re.DOTALL)
    assert shown is not None
    assert shown[0] == table(expected)
