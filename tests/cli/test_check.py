"""`securemail check`, against real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import typer

from securemail import ConfirmationRequired, Service, TLSMode
from securemail.cli.asking import confirm_hosts
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.testing import CertificateAuthority, MailServer, Offer
from tests.cli.conftest import Run, World, in_thread


def test_an_address_whose_servers_are_private_is_said_to_be_so(run: Run, world: World) -> None:
    done = run("check", "alice@example.org", *world.options)
    assert done.exit_code == Exit.OK, done.output
    assert "is private" in done.stderr
    for service in Service:
        endpoint = world.server.endpoint(TLSMode.IMPLICIT, service)
        assert str(endpoint.port) in done.stdout
    assert "TLSA" in done.stdout


def test_the_state_is_told_in_words_and_by_a_sign_and_not_by_colour_alone(
    run: Run, world: World
) -> None:
    done = run("check", "alice@example.org", *world.options)
    assert "✓" in done.stdout
    assert "private" in done.stdout
    assert "\x1b[" not in done.stdout


def test_json_has_the_same_verdict_and_nothing_else_on_standard_output(
    run: Run, world: World
) -> None:
    done = run("check", "alice@example.org", "--json", *world.options)
    said = json.loads(done.stdout)
    assert said["private"] is True
    assert {each["service"] for each in said["services"]} == {each.value for each in Service}
    assert all(each["login"] == "not_tried" for each in said["services"])


def test_without_a_validated_certificate_it_is_not_private_and_says_what_to_do(
    run: Run, world: World
) -> None:
    # The resolver validates nothing, so that DANE does not vouch; the authority is unknown.
    endpoint = world.server.endpoint(TLSMode.IMPLICIT)
    done = run(
        "check",
        f"{endpoint.addresses[0]}:{endpoint.port}",
        "--service",
        "imap",
        "--tls",
        "implicit",
    )
    assert done.exit_code == Exit.NOT_PRIVATE
    assert "✗" in done.stdout
    assert "What to do" in done.stdout
    assert "NOT private" in done.stderr


def test_a_login_is_tried_where_the_minimum_is_met(run: Run, world: World) -> None:
    options = ("--login", "--username", "alice", "--json", *world.options)
    done = run("check", "alice@example.org", *options, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.OK, done.output
    assert {each["login"] for each in json.loads(done.stdout)["services"]} == {"worked"}
    assert "secret" not in done.output


def test_a_login_that_worked_is_said_to_have(run: Run, world: World) -> None:
    options = ("--username", "alice", *world.options)
    assert "logged in" not in run("check", "alice@example.org", *options).stdout
    done = run("check", "alice@example.org", "--login", *options, SECUREMAIL_PASSWORD="secret")
    assert done.stdout.count("logged in by ") == 3


def test_a_refused_login_has_an_exit_code_of_its_own(run: Run, world: World) -> None:
    options = ("--login", "--username", "alice", *world.options)
    done = run("check", "alice@example.org", *options, SECUREMAIL_PASSWORD="wrong-canary")
    assert done.exit_code == Exit.LOGIN
    assert "login was refused" in done.stderr
    assert "wrong-canary" not in done.output


def test_a_login_without_a_terminal_wants_the_password_from_the_environment(
    run: Run, world: World
) -> None:
    done = run("check", "alice@example.org", "--login", *world.options)
    assert done.exit_code == Exit.USAGE
    assert "SECUREMAIL_PASSWORD" in done.stderr


def test_one_server_can_be_checked_by_name_and_port(run: Run, world: World) -> None:
    endpoint = world.server.endpoint(TLSMode.STARTTLS)
    where = f"{endpoint.host}:{endpoint.port}"
    done = run("check", where, "--service", "imap", "--tls", "starttls", *world.options)
    assert done.exit_code == Exit.OK, done.output
    assert "Could be better: Offer implicit TLS" in done.stdout


def test_a_port_that_says_nothing_wants_the_service(run: Run) -> None:
    done = run("check", "mail.example.org:12345")
    assert done.exit_code == Exit.USAGE
    assert "--service" in done.stderr


def test_a_host_that_is_unknown_is_one_sentence_and_an_exit_code(run: Run, world: World) -> None:
    done = run("check", "missing.example.org:993", *world.options)
    assert done.exit_code == Exit.UNREACHABLE
    assert "Traceback" not in done.output
    assert "missing.example.org" in done.stdout


def test_an_address_that_is_none_is_wrong_usage(run: Run, world: World) -> None:
    done = run("check", "alice@", *world.options)
    assert done.exit_code == Exit.USAGE
    assert "Traceback" not in done.output


def test_a_domain_without_mail_is_one_sentence_and_an_exit_code(run: Run, world: World) -> None:
    done = run("check", "alice@nothing.example.org", "--timeout", "5", *world.options)
    assert done.exit_code == Exit.UNREACHABLE
    assert "no mail server was found for nothing.example.org" in done.stderr.lower().replace(
        "\n", " "
    )


def test_an_expired_certificate_is_a_sentence_and_an_exit_code(run: Run, tmp_path: Path) -> None:
    ca = CertificateAuthority()
    (tmp_path / "ca.pem").write_bytes(ca.pem)

    async def make() -> AsyncIterator[World]:
        offer = Offer(certificate=ca.expired("localhost"))
        async with MailServer({}, ca=ca, host_name="localhost", offer=offer) as server:
            yield World(server, (), ("--ca", str(tmp_path / "ca.pem")), asyncio.get_running_loop())

    with in_thread(make) as expired:
        where = f"localhost:{expired.server.port()}"
        options = ("--service", "imap", "--tls", "implicit", *expired.ca)
        done = run("check", where, *options)
        explained = run("explain", where, *options)
    assert done.exit_code == Exit.NOT_PRIVATE
    assert "expired" in done.stdout
    assert "Check this computer's clock" in " ".join(done.stdout.split())
    assert explained.exit_code == Exit.NOT_PRIVATE
    assert "would not be accepted: expired" in " ".join(explained.stdout.split())


def test_where_nobody_can_be_asked_a_host_is_not_confirmed() -> None:
    required = ConfirmationRequired("a person must say", hosts=["mail.example.net"])
    with pytest.raises(typer.Exit) as caught:
        confirm_hosts(Terminal(), required, "alice@example.org")
    assert caught.value.exit_code == Exit.CONFIRM
