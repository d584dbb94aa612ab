"""A private Postfix that takes submissions, with the users and mailboxes of a private Dovecot."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import socket
import string
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.servers import dovecot_files
from tests.servers.dovecot import DovecotWorld, dovecot, free_ports
from tests.servers.process import ProcessGroup, eventually

MASTER: Final = Path("/usr/lib/postfix/sbin/master")
TEMPLATES: Final = Path(__file__).parent
START_TIMEOUT_S: Final = 10.0

# `postfix check` would make them, in two seconds: (mode, whether its group is postdrop).
_PRIVATE: Final = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold")
_QUEUES: Final = {
    **dict.fromkeys((*_PRIVATE, "incoming", "private", "saved", "trace"), (0o700, False)),
    "maildrop": (0o730, True),
    "public": (0o710, True),
}


@dataclass(frozen=True, slots=True)
class PostfixWorld:
    """A running Postfix: connect to `address` and one of the ports, as `host`.

    Users, their passwords and mailboxes are those of `dovecot`, whose own submission service hands
    its messages on to this Postfix. `jürgen@example.test` is another address of bob's, for whoever
    says SMTPUTF8. A message from `slow@example.test` is never answered, one
    from `later@example.test` is refused for now.
    """

    directory: Path
    dovecot: DovecotWorld
    submission_port: int
    submissions_port: int
    _processes: ProcessGroup = field(repr=False)

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.dovecot.address

    @property
    def host(self) -> str:
        """The name in its certificate."""
        return self.dovecot.host

    def start(self) -> None:
        """Start the server, and return when it has greeted a client.

        Raises:
            RuntimeError: it said nothing in time; the message has its log.
        """
        self._processes.start()
        try:
            eventually(self._has_greeted, timeout_s=START_TIMEOUT_S)
        except TimeoutError as exc:
            raise RuntimeError(f"postfix does not greet; its log:\n{self.log()}") from exc

    def kill(self) -> None:
        """Kill every process of Postfix at once, as a crash would; Dovecot runs on."""
        self._processes.kill()

    def log(self) -> str:
        """Return what Postfix has logged."""
        log = self.directory / "mail.log"
        return log.read_text(errors="replace") if log.exists() else "(none)"

    def _has_greeted(self) -> bool:
        try:
            with socket.create_connection((self.address, self.submission_port), 1) as client:
                return client.recv(4) == b"220 "
        except OSError:
            return False


def why_not() -> str | None:
    """Return why there can be no Postfix here, or None."""
    if not MASTER.exists():
        return "postfix is not installed: run `make test` as root or with sudo"
    if os.geteuid() != 0:
        return "postfix runs as root only"
    return None


@contextlib.contextmanager
def postfix() -> Iterator[PostfixWorld]:
    """Run a Postfix of one's own, and a Dovecot behind it."""
    with (
        dovecot() as behind,
        tempfile.TemporaryDirectory(prefix="securemail-postfix-") as name,
    ):
        directory = Path(name)
        directory.chmod(0o755)
        submission_port, submissions_port = free_ports(2)
        world = PostfixWorld(
            directory=directory,
            dovecot=behind,
            submission_port=submission_port,
            submissions_port=submissions_port,
            _processes=ProcessGroup([str(MASTER), "-d", "-c", str(directory / "conf")]),
        )
        _write(world)
        try:
            world.start()
            yield world
        finally:
            world.kill()


def _write(world: PostfixWorld) -> None:
    behind = world.dovecot
    mail_uid, mail_gid = dovecot_files.mail_owner()
    values = {
        "dir": world.directory,
        "dovecot": behind.directory / "run",
        "pem": behind.directory / "pki" / f"{behind.host}.pem",
        "mail": behind.directory / "mail",
        "mail_uid": mail_uid,
        "mail_gid": mail_gid,
        "users": " ".join(f"{user}@example.test={user}" for user in behind.passwords),
        "address": behind.address,
        "relay_port": behind.relay_port,
        "submission_port": world.submission_port,
        "submissions_port": world.submissions_port,
    }
    conf = world.directory / "conf"
    conf.mkdir()
    for name in ("main.cf", "master.cf"):
        template = string.Template((TEMPLATES / f"postfix-{name}").read_text())
        (conf / name).write_text(template.substitute(values))
    # A fresh main.cf is one that somebody may still be writing: Postfix would wait.
    minute_ago = time.time() - 60
    os.utime(conf / "main.cf", (minute_ago, minute_ago))
    _make_queues(world.directory)


def _make_queues(directory: Path) -> None:
    owner, group = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
    queue = directory / "queue"
    (queue / "pid").mkdir(parents=True)
    for name, (mode, is_dropped) in _QUEUES.items():
        (queue / name).mkdir()
        os.chown(queue / name, owner, group if is_dropped else 0)
        (queue / name).chmod(mode)
    data = directory / "data"
    data.mkdir(mode=0o700)
    os.chown(data, owner, 0)
