"""`securemail send`: what became of a message, for each recipient."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from securemail.cli.codes import Exit
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    Hang,
    MailServer,
    Offer,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.cli.conftest import Run, World, in_thread
from tests.cli.processes import Process, start

Added = Callable[[str], None]
MESSAGE = "From: bob@example.org\nTo: {to}\nBcc: erin@example.org\nSubject: hi\n\nHello.\n"


@pytest.fixture
def message(tmp_path: Path) -> Path:
    file = tmp_path / "message.eml"
    file.write_text(MESSAGE.format(to="alice@example.org"))
    return file


def test_a_message_goes_by_the_account_of_its_author(
    run: Run, world: World, added: Added, message: Path
) -> None:
    added("bob")
    added("carol")
    done = run("send", str(message), "--json", *world.dns)
    assert done.exit_code == Exit.OK, done.output
    said = json.loads(done.stdout)
    assert said["outcome"] == "accepted"
    recipients = [each["address"] for each in said["recipients"]]
    assert recipients == ["alice@example.org", "erin@example.org"]
    assert b"Bcc" not in world.server.submitted[-1].data


def test_a_message_comes_from_standard_input_and_goes_where_it_is_told(
    run: Run, world: World, added: Added
) -> None:
    added("bob")
    text = MESSAGE.format(to="alice@example.org")
    done = run("send", "--to", "carol@example.org", "--json", *world.dns, stdin=text)
    assert done.exit_code == Exit.OK, done.output
    assert [each["address"] for each in json.loads(done.stdout)["recipients"]] == [
        "carol@example.org"
    ]


def test_an_address_that_is_not_kept_is_looked_up(run: Run, world: World, message: Path) -> None:
    options = ("--account", "bob@example.org", "--username", "bob", *world.options)
    done = run("send", str(message), *options, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.OK, done.output
    assert "accepted" in done.stdout


def test_a_recipient_who_is_refused_is_shown_and_has_an_exit_code(
    run: Run, world: World, added: Added
) -> None:
    added("bob")
    text = MESSAGE.format(to="alice@example.org, nobody@example.org")
    done = run("send", *world.dns, stdin=text)
    assert done.exit_code == Exit.NOT_SENT
    assert "✗ refused" in done.stdout
    assert "no such user" in " ".join(done.stdout.split())
    assert "Not sent to 1 of 3" in done.stderr


def test_a_message_that_all_are_refused_is_an_exit_code(
    run: Run, world: World, added: Added
) -> None:
    added("bob")
    options = ("--to", "nobody@example.org", "--json", *world.dns)
    done = run("send", *options, stdin=MESSAGE.format(to="x@example.org"))
    assert done.exit_code == Exit.NOT_SENT
    assert "nobody has got the message" in done.stderr
    said = json.loads(done.stdout)
    assert (said["error"], said["recipients"][0]["code"]) == ("SubmissionError", 550)


def test_what_is_asked_of_the_server_is_asked(
    run: Run, world: World, added: Added, message: Path
) -> None:
    added("bob")
    done = run("send", str(message), "--require-tls", "--dsn", "failure", *world.dns)
    assert done.exit_code == Exit.OK, done.output
    assert "REQUIRETLS" in world.server.submitted[-1].parameters


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The options for a server that can do nothing but what RFC 5321 wants."""
    ca = tmp_path / "plain.pem"

    async def make() -> AsyncIterator[World]:
        offer = Offer(extensions=())
        async with MailServer({"bob": "secret"}, host_name="localhost", offer=offer) as server:
            ca.write_bytes(server.ca.pem)
            yield World(server, (), ("--ca", str(ca)), asyncio.get_running_loop())

    with in_thread(make) as made:
        where = f"localhost:{made.server.port('submission', 'implicit')}"
        yield ("--submission", where, "--tls", "implicit", *made.options)
        assert made.server.submitted == []


@pytest.mark.parametrize("option", ["--require-tls", "--dsn=failure"])
def test_what_the_server_cannot_promise_is_not_sent(
    run: Run, plain: tuple[str, ...], message: Path, option: str
) -> None:
    add = ("account", "add", "bob@example.org", "--username", "bob", *plain)
    assert run(*add, SECUREMAIL_PASSWORD="secret").exit_code == Exit.OK
    done = run("send", str(message), option)
    assert done.exit_code == Exit.NOT_SENT
    assert "nothing was sent" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "text", "code", "words"),
    [
        (("/nowhere/message.eml",), "", Exit.LOCAL, "No such file"),
        ((), "no header at all", Exit.USAGE, "say which account"),
        (("-a", "9"), "From: bob@example.org\n\n", Exit.USAGE, "there is no '9'"),
        (("-a", "bob@"), "From: bob@example.org\n\n", Exit.USAGE, "mail address"),
        (("--dsn", "never", "--dsn", "delay"), "From: x\n\n", Exit.USAGE, "NEVER stands alone"),
    ],
)
def test_a_mistake_is_a_sentence(
    run: Run, world: World, arguments: tuple[str, ...], text: str, code: Exit, words: str
) -> None:
    done = run("send", *arguments, *world.options, stdin=text)
    assert done.exit_code == code, done.output
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_a_message_without_recipients_is_a_sentence(run: Run, world: World, added: Added) -> None:
    added("bob")
    done = run("send", *world.dns, stdin="From: bob@example.org\n\nHello.\n")
    assert done.exit_code == Exit.USAGE
    assert done.stderr.startswith("--to: neither To nor Cc nor Bcc has an address.")


UNKNOWN: tuple[Step, ...] = (
    StartTLS(),
    Send(b"220 hello\r\n"),
    Expect(rb"EHLO .*"),
    Send(b"250-localhost\r\n250 AUTH PLAIN\r\n"),
    Expect(rb"AUTH PLAIN .*"),
    Send(b"235 welcome\r\n"),
    Expect(rb"MAIL .*"),
    Send(b"250 ok\r\n"),
    Expect(rb"RCPT .*"),
    Send(b"250 ok\r\n"),
    Expect(rb"DATA"),
    Send(b"354 go on\r\n"),
    *[Expect(rb".*")] * 6,
)


@contextmanager
def silent(folder: Path, *end: Step) -> Iterator[tuple[tuple[str, ...], ScriptedServer, World]]:
    """Yield the options for a server that takes the message and does not answer, but `end`."""
    authority, ca = CertificateAuthority(), folder / "silent.pem"
    ca.write_bytes(authority.pem)
    servers: list[ScriptedServer] = []

    async def make() -> AsyncIterator[World]:
        context = authority.server_context("localhost")
        async with ScriptedServer((*UNKNOWN, *end), context=context) as server:
            servers.append(server)
            # Nothing asks it for the mail server that it has not.
            unused = MailServer({})
            yield World(unused, (), ("--ca", str(ca)), asyncio.get_running_loop())

    with in_thread(make) as made:
        where = f"localhost:{servers[0].port}"
        yield ("--submission", where, "--tls", "implicit", *made.options), servers[0], made


def test_where_nobody_knows_whether_it_was_sent_it_says_so_and_is_not_sent_again(
    run: Run, tmp_path: Path
) -> None:
    with silent(tmp_path, Close()) as (options, _, _):
        add = ("account", "add", "bob@example.org", "--untested", *options)
        assert run(*add, SECUREMAIL_PASSWORD="secret").exit_code == Exit.OK
        text = "From: bob@example.org\nTo: alice@example.org\nSubject: hi\n\nHello.\n"
        done = run("send", "--json", stdin=text)
    assert done.exit_code == Exit.UNKNOWN
    assert json.loads(done.stdout)["error"] == "UnknownOutcome"
    assert "before you send it again" in " ".join(done.stderr.split())


@pytest.mark.parametrize("end", [Process.interrupt, Process.terminate])
def test_to_end_it_while_the_last_answer_is_awaited_is_an_unknown_outcome(
    end: Callable[[Process], None], run: Run, tmp_path: Path
) -> None:
    text = "From: bob@example.org\nTo: alice@example.org\nSubject: hi\n\nHello.\n"
    (tmp_path / "m").write_text(text)
    with silent(tmp_path, Hang()) as (options, server, world):
        add = ("account", "add", "bob@example.org", "--untested", *options)
        assert run(*add, SECUREMAIL_PASSWORD="secret").exit_code == Exit.OK
        with start("send", str(tmp_path / "m"), **os.environ) as process:
            asyncio.run_coroutine_threadsafe(server.hanging.wait(), world.loop).result(20)
            end(process)
            assert process.exit_code() == Exit.UNKNOWN
            assert "before you send it again" in " ".join(process.errors().split())
