"""The command against a real Dovecot and a real Postfix."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from securemail.cli.codes import Exit
from tests.cli.conftest import Run
from tests.cli.processes import start
from tests.cli.test_fetch import subjects
from tests.servers.dovecot import DovecotWorld
from tests.servers.postfix import PostfixWorld

ODD = b"Subject: odd\r\n\r\n.\r\n..\r\nFrom here.\r\n\xe4\xff\x80\r\nlast"


def keep(run: Run, world: DovecotWorld, user: str, tmp_path: Path, **ports: int) -> None:
    """Keep a user's account, its servers by their addresses, with STARTTLS where that is said."""
    account: dict[str, Any] = {"address": f"{user}@example.test"}
    for name, port in ports.items():
        service, _, mode = name.partition("_")
        where = {"host": world.host, "port": port, "addresses": [world.address]}
        account[service] = where | {"tls": mode or "implicit"}
    account["login"] = {"kind": "password", "username": user}
    account["trust"] = {"pem": world.ca_pem.decode()}
    file = tmp_path / f"{user}.json"
    file.write_text(json.dumps({"securemail": 1, "accounts": [account]}))
    password = world.passwords[user]
    done = run("account", "add", "--from", str(file), "--with-trust", SECUREMAIL_PASSWORD=password)
    assert done.exit_code == Exit.OK, done.output


@pytest.mark.dovecot
@pytest.mark.postfix
def test_a_message_goes_out_by_postfix_and_comes_in_by_imap_and_pop3(
    run: Run, own_postfix: PostfixWorld, tmp_path: Path
) -> None:
    dovecot = own_postfix.dovecot
    ports = {"imap_starttls": dovecot.imap_port, "pop3": dovecot.pop3s_port}
    keep(run, dovecot, "alice", tmp_path, submission=own_postfix.submissions_port, **ports)
    tested = run("account", "test", "1", "--json", "--timeout", "20")
    assert {each["login"] for each in json.loads(tested.stdout)["services"]} == {"worked"}
    text = "From: alice@example.test\nTo: alice@example.test\nSubject: around\n\nHello.\n"
    sent = run("send", "--json", stdin=text)
    assert sent.exit_code == Exit.OK, sent.output
    watched = run("watch", "1", "--events", "1", "--json")
    assert json.loads(watched.stdout)["event"] == "Connected"
    refused = run("send", "--to", "nobody@example.test", stdin=text)
    assert refused.exit_code == Exit.NOT_SENT
    for service in ("imap", "pop3"):
        target = tmp_path / service
        done = run("fetch", "1", str(target), "--service", service)
        assert done.exit_code == Exit.OK, done.output
        assert subjects(target) == ["around"]


@pytest.mark.full
@pytest.mark.dovecot
@pytest.mark.parametrize(("service", "name"), [("imap", "Maildir"), ("pop3", "all.mbox")])
def test_killed_in_the_middle_a_fetch_goes_on_and_has_each_message_once(
    run: Run, own_dovecot: DovecotWorld, tmp_path: Path, service: str, name: str
) -> None:
    world = own_dovecot
    keep(run, world, "bob", tmp_path, imap=world.imaps_port, pop3=world.pop3s_port)
    for number in range(300):
        world.deliver("bob", b"Subject: %03d\r\n\r\n%s\r\n" % (number, b"line\r\n" * 2000))
    world.deliver("bob", ODD)
    fetch = ("fetch", "1", str(tmp_path / name), "--service", service)
    with start(*fetch, "--json", **os.environ) as process:
        assert json.loads(process.line())["octets"] > 0
        process.popen.kill()
    done = run(*fetch)
    assert done.exit_code == Exit.OK, done.output
    assert subjects(tmp_path / name) == [*(f"{number:03d}" for number in range(300)), "odd"]
    assert "0 messages fetched, 301 were there" in run(*fetch).stderr
