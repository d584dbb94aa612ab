"""`securemail watch`: what happens is told once, also what happens while nobody watches."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from securemail import (
    ConnectError,
    Cursor,
    Lost,
    MailboxChanged,
    MaildropChanged,
    MaildropCursor,
    UIDSet,
    UIDValidityChanged,
)
from securemail.cli.codes import Exit
from securemail.cli.happenings import event_data, event_view
from tests.cli.conftest import Run, World
from tests.cli.processes import Process, start

Added = Callable[[str], None]


def told(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_what_happens_between_two_watches_is_told_by_the_second(
    run: Run, world: World, added: Added
) -> None:
    added("alice")
    first = run("watch", "1", "--events", "1", "--json", *world.dns)
    assert first.exit_code == Exit.OK, first.output
    (connected,) = told(first.stdout)
    assert (connected["event"], connected["level"]) == ("Connected", "confidential")
    world.deliver("alice", "news")
    uid = max(world.server.store.mailbox("alice").messages)
    second = told(run("watch", "1", "--events", "2", "--json", *world.dns).stdout)
    assert [each["event"] for each in second] == ["Connected", "MailboxChanged"]
    assert second[1]["new"] == str(uid)
    third = run("watch", "1", "--events", "1", *world.dns)
    assert third.stdout.startswith("✓ connected, private")


def test_a_cursor_of_another_mailbox_is_a_sentence(
    run: Run, world: World, added: Added, tmp_path: Path
) -> None:
    added("alice")
    cursor = tmp_path / "cursor"
    options = ("--cursor", str(cursor), "--events", "1", *world.dns)
    assert run("watch", "1", *options).exit_code == Exit.OK
    done = run("watch", "1", "Sent", *options)
    assert done.exit_code == Exit.USAGE
    assert "about another mailbox" in " ".join(done.stderr.split())
    cursor.write_text("{")
    broken = run("watch", "1", *options)
    assert broken.exit_code == Exit.USAGE
    assert "--anew" in broken.stderr
    assert run("watch", "1", "--anew", *options).exit_code == Exit.OK


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("1", "Nowhere"), Exit.REFUSED, "EXAMINE was refused"),
        (("1", "a\nb"), Exit.USAGE, "name of a mailbox"),
        (("2",), Exit.USAGE, "there is no '2'"),
        (("1", "--cursor", "/proc/nowhere/cursor"), Exit.LOCAL, "/proc/nowhere"),
    ],
)
def test_a_mistake_is_a_sentence(
    run: Run, world: World, added: Added, arguments: tuple[str, ...], code: Exit, words: str
) -> None:
    added("alice")
    done = run("watch", *arguments, "--events", "1", *world.dns)
    assert done.exit_code == code, done.output
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_a_login_that_is_refused_ends_it(run: Run, world: World, added: Added) -> None:
    added("alice")
    done = run("watch", "1", *world.dns, SECUREMAIL_PASSWORD="canary")
    assert done.exit_code == Exit.LOGIN
    assert "canary" not in done.output


CURSOR = Cursor(7, 5)


@pytest.mark.parametrize(
    ("event", "words", "data"),
    [
        (
            MailboxChanged(CURSOR, UIDSet([(3, 4)]), UIDSet([(1, 1)]), UIDSet()),
            "new: 3:4; gone: 1",
            {"event": "MailboxChanged", "new": "3:4", "expunged": "1", "flags": None},
        ),
        (
            Lost(CURSOR, ConnectError("the line broke", phase="command"), 2.4),
            "✗ no connection: the line broke; again in 2 s",
            {"event": "Lost", "error": "ConnectError", "retry_s": 2.4},
        ),
        (
            UIDValidityChanged(CURSOR, 6),
            "! the server has numbered anew (UIDVALIDITY 6 is 7): list the mailbox",
            {"event": "UIDValidityChanged", "before": 6, "uidvalidity": 7},
        ),
        (
            MaildropChanged(MaildropCursor.of(["a"]), ("a", "b")),
            "new: a, b",
            {"event": "MaildropChanged", "new": ["a", "b"]},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_event_is_told_in_words_and_as_data(
    event: MailboxChanged | Lost | UIDValidityChanged | MaildropChanged,
    words: str,
    data: dict[str, object],
) -> None:
    assert event_view(event).plain == words
    assert data.items() <= event_data(event).items()


@pytest.fixture
def watching(world: World, added: Added, run: Run) -> Iterator[Process]:
    """A watch that is connected, in a process of its own."""
    added("bob")
    arguments = ("watch", "1", *world.dns)
    with start(*arguments, **{**os.environ, "SECUREMAIL_PASSWORD": "secret"}) as process:
        assert "connected" in process.line()
        yield process


def test_ctrl_c_ends_it_without_a_traceback(watching: Process) -> None:
    watching.interrupt()
    assert watching.exit_code() == Exit.INTERRUPTED
    assert watching.errors().strip() == "Interrupted."


def test_sigterm_ends_it_in_the_same_order_and_is_what_it_ended_by(watching: Process) -> None:
    watching.terminate()
    assert watching.exit_code() == -signal.SIGTERM
    assert watching.errors().strip() == "Interrupted."


def test_a_line_that_drops_is_told_and_made_anew(watching: Process, world: World) -> None:
    world.do(world.server.kill)
    assert "no connection" in watching.line()
    assert "connected" in watching.line()
    world.deliver("bob", "after")
    assert "new: " in watching.line()


def test_a_reader_that_goes_away_ends_it_in_silence(watching: Process, world: World) -> None:
    watching.close_output()
    world.deliver("bob", "unread")
    assert watching.exit_code() == 141
    assert watching.errors() == ""
