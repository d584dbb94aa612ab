"""`securemail fetch`: every message once, whatever happens in between."""

from __future__ import annotations

import json
import mailbox
from collections.abc import Callable
from pathlib import Path

import pytest

from securemail.cli.codes import Exit
from tests.cli.conftest import Run, World

Added = Callable[[str], None]


def subjects(target: Path) -> list[str]:
    """Return the subjects of all that is there, as another program reads it."""
    box = mailbox.Maildir(target) if target.is_dir() else mailbox.mbox(target)
    found = sorted(str(message["Subject"]) for message in box)
    box.close()
    return found


@pytest.mark.parametrize("service", ["imap", "pop3"])
@pytest.mark.parametrize("name", ["Maildir", "all.mbox"])
def test_each_message_is_fetched_once(
    run: Run, world: World, added: Added, tmp_path: Path, service: str, name: str
) -> None:
    added("carol")
    if not world.server.store.mailbox("carol").messages:
        world.deliver("carol", "one", "two")
    before = len(world.server.store.mailbox("carol").messages)
    target = tmp_path / name
    fetch = ("fetch", "carol@example.org", str(target), "--service", service, *world.dns)
    done = run(*fetch)
    assert done.exit_code == Exit.OK, done.output
    assert len(subjects(target)) == before
    world.deliver("carol", f"{service} {name}")
    again = run(*fetch, "--json")
    assert again.exit_code == Exit.OK
    assert len(again.stdout.splitlines()) == 1
    assert json.loads(again.stdout)["octets"] > 0
    assert len(subjects(target)) == before + 1


@pytest.mark.parametrize("name", ["Maildir", "all.mbox"])
def test_a_message_is_stored_as_it_is_with_line_ends_of_this_system(
    run: Run, world: World, added: Added, tmp_path: Path, name: str
) -> None:
    added("dave")
    if not world.server.store.mailbox("dave").messages:
        world.deliver("dave", "lines")
    target = tmp_path / name
    assert run("fetch", "1", str(target), *world.dns).exit_code == Exit.OK
    files = [target] if target.is_file() else list((target / "new").iterdir())
    text = files[0].read_bytes()
    assert b"\r" not in text
    body = b"\nHello dave.\n" + (b">" if target.is_file() else b"") + b"From here on.\n"
    assert body in text


def test_messages_are_not_marked_as_seen_and_stay_at_the_server(
    run: Run, world: World, added: Added, tmp_path: Path
) -> None:
    added("erin")
    world.deliver("erin", "stays")
    assert run("fetch", "1", str(tmp_path / "in"), *world.dns).exit_code == Exit.OK
    kept = world.server.store.mailbox("erin").messages
    assert len(kept) == 1
    assert all("\\Seen" not in each.flags for each in kept.values())


def test_a_server_that_numbers_anew_is_not_fetched_twice_by_itself(
    run: Run, world: World, added: Added, tmp_path: Path
) -> None:
    added("frank")
    world.deliver("frank", "restored")
    target = tmp_path / "Maildir"
    assert run("fetch", "1", str(target), *world.dns).exit_code == Exit.OK
    world.do(lambda: world.server.store.renumber("frank"))
    stopped = run("fetch", "1", str(target), *world.dns)
    assert stopped.exit_code == Exit.USAGE
    assert "--again" in stopped.stderr
    assert subjects(target) == ["restored"]
    assert run("fetch", "1", str(target), "--again", *world.dns).exit_code == Exit.OK
    assert subjects(target) == ["restored", "restored"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--mailbox", "Nowhere"), Exit.REFUSED, "EXAMINE was refused"),
        (("--mailbox", "a\nb"), Exit.USAGE, "name of a mailbox"),
        (("--service", "pop3", "--mailbox", "Sent"), Exit.USAGE, "POP3 has an INBOX"),
        (("--format", "mbox"), Exit.LOCAL, "Is a directory"),
    ],
)
def test_a_mistake_is_a_sentence(
    run: Run, world: World, added: Added, tmp_path: Path, arguments: tuple[str, ...], code: Exit,
    words: str,
) -> None:  # fmt: skip
    added("alice")
    target = tmp_path / "there"
    target.mkdir()
    done = run("fetch", "1", str(target), *arguments, *world.dns)
    assert done.exit_code == code, done.output
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_a_file_that_is_no_maildir_is_left_alone(
    run: Run, world: World, added: Added, tmp_path: Path
) -> None:
    added("alice")
    target = tmp_path / "file"
    target.write_text("mine")
    done = run("fetch", "1", str(target), "--format", "maildir", *world.dns)
    assert done.exit_code == Exit.LOCAL
    assert target.read_text() == "mine"


@pytest.mark.parametrize("service", ["imap", "pop3"])
def test_a_server_that_does_not_answer_is_no_trouble_of_this_computer(
    run: Run, tmp_path: Path, service: str
) -> None:
    add = ("account", "add", "a@example.org", f"--{service}", "127.0.0.1:1", "--tls", "implicit")
    assert run(*add, "--untested", SECUREMAIL_PASSWORD="secret").exit_code == Exit.OK
    done = run("fetch", "1", str(tmp_path / "in"))
    assert done.exit_code == Exit.UNREACHABLE
    assert "cannot connect" in done.stderr.lower()


def test_an_mbox_without_an_empty_line_at_its_end_is_not_glued_to_the_next_message(
    run: Run, world: World, added: Added, tmp_path: Path
) -> None:
    added("dave")
    world.deliver("dave", "apart")
    target = tmp_path / "all.mbox"
    target.write_text("From me\nSubject: mine\n\nText")
    assert run("fetch", "1", str(target), *world.dns).exit_code == Exit.OK
    assert {"mine", "apart"} <= set(subjects(target))


def test_a_folder_that_cannot_be_made_is_a_sentence(run: Run, world: World, added: Added) -> None:
    added("alice")
    done = run("fetch", "1", "/proc/nowhere/Maildir", *world.dns)
    assert done.exit_code == Exit.LOCAL
    assert "Traceback" not in done.output
