"""Where others lay files beside ours, none of theirs is taken for ours, nor ours for theirs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from securemail.cli.fetch.batch import Store
from securemail.cli.fetch.maildir import Maildir
from securemail.cli.fetch.mbox import Mbox
from securemail.cli.files import write_through
from securemail.cli.local import LocalError
from tests.cli.test_resume import KINDS, MESSAGES

SOURCE = "IMAP alice"
Make = Callable[[Path, str], Store]
EACH_KIND = pytest.mark.parametrize(("make", "name"), KINDS, ids=["maildir", "mbox"])
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def journal_of(make: Make, target: Path) -> Path:
    with closing(make(target, SOURCE)) as store:
        store.store(MESSAGES[:1])
    folder = target if target.is_dir() else target.parent
    (found,) = folder.glob(".*securemail-*")
    return found


@EACH_KIND
def test_a_journal_that_others_can_write_to_is_not_believed(
    make: Make, name: str, tmp_path: Path
) -> None:
    journal_of(make, tmp_path / name).chmod(0o666)
    with pytest.raises(LocalError, match="may be somebody else's doing"):
        make(tmp_path / name, SOURCE)


@AS_ROOT
@EACH_KIND
def test_a_journal_of_another_user_is_not_believed(make: Make, name: str, tmp_path: Path) -> None:
    os.chown(journal_of(make, tmp_path / name), 65534, -1)
    with pytest.raises(LocalError, match="may be somebody else's doing"):
        make(tmp_path / name, SOURCE)


@EACH_KIND
def test_a_pipe_in_place_of_the_journal_does_not_hold_us_up(
    make: Make, name: str, tmp_path: Path
) -> None:
    journal = journal_of(make, tmp_path / name)
    journal.unlink()
    os.mkfifo(journal)
    with pytest.raises(LocalError, match="may be somebody else's doing"):
        make(tmp_path / name, SOURCE)


def test_what_others_lay_down_as_left_over_is_not_appended(tmp_path: Path) -> None:
    target = tmp_path / "all.mbox"
    journal = journal_of(Mbox, target)
    before = target.read_bytes()
    forged = {"start": len(before), "keys": [MESSAGES[0][0]]}
    pending = journal.with_name(f"{journal.name}.pending")
    pending.write_bytes(json.dumps(forged).encode() + b"\nFrom - \nFrom: bank\n\n")
    pending.chmod(0o666)
    with pytest.raises(LocalError, match="may be somebody else's doing"):
        Mbox(target, SOURCE)
    assert target.read_bytes() == before


@AS_ROOT
def test_mail_is_not_written_to_a_file_of_another_user(tmp_path: Path) -> None:
    target = tmp_path / "all.mbox"
    target.touch()
    os.chown(target, 65534, -1)
    with pytest.raises(LocalError, match="is no file of yours"):
        Mbox(target, SOURCE)
    assert target.read_bytes() == b""


def test_a_pipe_is_no_mbox(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "all.mbox")
    with pytest.raises(LocalError, match="is no file of yours"):
        Mbox(tmp_path / "all.mbox", SOURCE)


def test_whoever_made_a_file_before_us_does_not_read_along(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.touch(0o666)
    with path.open("rb") as theirs:
        write_through(path, b"Subject: secret\n")
        assert theirs.read() == b""
    assert path.read_bytes() == b"Subject: secret\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_that_was_laid_down_leads_us_nowhere(tmp_path: Path) -> None:
    (tmp_path / "message").symlink_to(tmp_path / "theirs")
    write_through(tmp_path / "message", b"Subject: secret\n")
    assert not (tmp_path / "theirs").exists()


def test_an_mbox_may_be_a_link_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "all.mbox").symlink_to("real")
    with closing(Mbox(tmp_path / "all.mbox", SOURCE)) as store:
        store.store(MESSAGES[:1])
    assert b"Subject: 0" in (tmp_path / "real").read_bytes()


def test_a_maildir_that_is_made_is_for_its_owner(tmp_path: Path) -> None:
    with closing(Maildir(tmp_path / "Maildir", SOURCE)):
        folders = [tmp_path / "Maildir", *(tmp_path / "Maildir").glob("[a-z]*")]
        assert [each.stat().st_mode & 0o777 for each in folders] == [0o700] * 4
