"""`account pin` and `unpin`: certificates that a person accepts, and undoes."""

from __future__ import annotations

import hashlib
import json

import pytest

from securemail import TLSMode
from securemail.cli.codes import Exit
from tests.cli.conftest import Run, World
from tests.cli.test_account import Added


def pinning(world: World) -> tuple[str, ...]:
    imap = world.server.endpoint(TLSMode.IMPLICIT)
    where = f"{imap.addresses[0]}:{imap.port}"
    return ("account", "pin", "alice@example.org", "--imap", where, "--tls", "implicit")


def fingerprint(world: World) -> str:
    return hashlib.sha256(world.server.certificate.der).digest().hex(":").upper()


def test_a_certificate_is_pinned_by_its_fingerprint_and_in_words_and_it_is_said_to_be_not_private(
    run: Run, world: World
) -> None:
    accept = ("--acknowledge", "it is mine", "--fingerprint", fingerprint(world))
    done = run(*pinning(world), *accept, "--username", "alice", SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.OK, done.output
    assert "unknown issuer" in done.stderr
    assert "NOT private" in done.stderr
    shown = run("account", "show", "1")
    assert "it is mine" in shown.stdout
    assert "Pin for IMAP at 127.0.0.1" in shown.stdout


def test_a_pin_that_is_undone_stays_in_the_history_and_the_minimum_comes_back(
    run: Run, world: World
) -> None:
    accept = ("--acknowledge", "it is mine", "--fingerprint", fingerprint(world))
    run(*pinning(world), *accept, "--username", "alice", SECUREMAIL_PASSWORD="secret")
    assert run("account", "unpin", "1", "--yes").exit_code == Exit.OK
    shown = json.loads(run("account", "show", "1", "--json").stdout)
    assert "pins" not in shown
    assert "policy" not in shown
    assert shown["pin_history"][0]["undone_at"]
    done = run("account", "test", "1")
    assert done.exit_code == Exit.NOT_PRIVATE
    assert run("account", "unpin", "1", "--yes").exit_code == Exit.USAGE


@pytest.mark.parametrize(
    "accept",
    [
        (),
        ("--acknowledge", "it is mine"),
        ("--acknowledge", "it is mine", "--fingerprint", "00:11"),
        ("--fingerprint", "theirs"),
    ],
)
def test_nobody_pins_by_the_way(run: Run, world: World, accept: tuple[str, ...]) -> None:
    given = [fingerprint(world) if each == "theirs" else each for each in accept]
    done = run(*pinning(world), *given, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.USAGE
    assert json.loads(run("account", "list", "--json").stdout) == []


def test_a_valid_certificate_is_not_pinned(run: Run, world: World) -> None:
    done = run("account", "pin", "alice@example.org", *world.options, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.USAGE
    assert "All certificates are valid" in done.stderr


def test_an_account_that_is_kept_gets_no_pin(run: Run, world: World, added: Added) -> None:
    added("alice")
    accept = ("--acknowledge", "it is mine", "--fingerprint", fingerprint(world))
    done = run(*pinning(world), *accept)
    assert done.exit_code == Exit.USAGE
    assert "there already" in done.stderr
