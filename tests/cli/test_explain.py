"""`securemail explain` and `securemail discover`, against real sockets."""

from __future__ import annotations

import json

from securemail import TLSMode
from securemail.cli.codes import Exit
from tests.cli.conftest import Run, World


def server(world: World) -> tuple[str, ...]:
    endpoint = world.server.endpoint(TLSMode.IMPLICIT)
    return (f"{endpoint.host}:{endpoint.port}", "--service", "imap", "--tls", "implicit")


def test_a_server_is_explained_with_its_certificates_and_its_keys_in_the_dns(
    run: Run, world: World
) -> None:
    done = run("explain", *server(world), *world.options)
    assert done.exit_code == Exit.OK, done.output
    assert "met by this certificate" in " ".join(done.stdout.split())
    assert "the server's" in done.stdout
    assert "revocation: not stapled" in done.stdout
    assert "valid from" in done.stdout


def test_a_certificate_that_is_not_trusted_is_shown_all_the_same(run: Run, world: World) -> None:
    endpoint = world.server.endpoint(TLSMode.IMPLICIT)
    where = f"{endpoint.addresses[0]}:{endpoint.port}"
    done = run("explain", where, "--service", "imap", "--tls", "implicit", "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == Exit.NOT_PRIVATE
    assert said["private"] is False
    assert "unknown issuer" in said["problems"]
    assert said["revocation"] == "not stapled"
    assert said["certificates"][0]["sha256"]


def test_a_server_that_does_not_answer_is_a_sentence_and_an_exit_code(run: Run) -> None:
    done = run("explain", "127.0.0.1:1", "--service", "imap", "--tls", "implicit")
    assert done.exit_code == Exit.UNREACHABLE
    assert done.stderr.startswith("Cannot connect to 127.0.0.1:1")


def test_an_address_is_shown_with_what_named_its_servers(run: Run, world: World) -> None:
    done = run("discover", "alice@example.org", *world.options)
    assert done.exit_code == Exit.OK
    assert "secure" in done.stdout
    assert "usable" in done.stdout


def test_a_plan_as_json_has_every_server_with_its_standing(run: Run, world: World) -> None:
    done = run("discover", "alice@example.org", "--json", *world.options)
    servers = json.loads(done.stdout)["servers"]
    assert len(servers) == 6
    assert {each["dnssec"] for each in servers} == {"secure"}
    assert {each["source"] for each in servers} == {"SRV"}


def test_an_error_as_json_is_json(run: Run, world: World) -> None:
    done = run("discover", "alice", "--json", *world.options)
    assert done.exit_code == Exit.USAGE
    assert json.loads(done.stdout)["error"] == "UsageError"
