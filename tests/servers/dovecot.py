"""A private Dovecot with its own users, certificates and ports: IMAP and POP3 as in real life."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.servers import dovecot_files, tokens
from tests.servers.process import ProcessGroup, eventually

START_TIMEOUT_S: Final = 10.0

# Where Debian puts them, each in a package of its own; elsewhere they come with Dovecot.
LIBEXEC: Final = Path("/usr/lib/dovecot")
SERVICES: Final = ("imap", "pop3", "submission", "lmtp")

# `relay_port` is where its submission service hands messages on: nobody listens there, unless the
# test starts a Postfix.
PORTS: Final = (
    "imap_port",
    "imaps_port",
    "pop3_port",
    "pop3s_port",
    "submission_port",
    "submissions_port",
    "relay_port",
)


@dataclass(frozen=True, slots=True)
class DovecotWorld:
    """A running Dovecot, and all that a client needs to know about it.

    Connect to `address` and one of the ports. Which certificate comes depends on the host name in
    the ClientHello: `host` has a good one, issued by `ca_pem`; the other host names have a bad one
    each. `client_pem` has a certificate with its key for each user, for SASL EXTERNAL, and
    `revoked_client_pem` is one of bob's that was revoked; their authority is not `ca_pem`.
    """

    directory: Path
    imap_port: int
    imaps_port: int
    pop3_port: int
    pop3s_port: int
    submission_port: int
    submissions_port: int
    relay_port: int
    passwords: Mapping[str, str]
    ca_pem: bytes
    client_pem: Mapping[str, bytes]
    revoked_client_pem: bytes
    _processes: ProcessGroup = field(repr=False)
    address: str = dovecot_files.ADDRESS
    host: str = dovecot_files.HOST
    expired_host: str = dovecot_files.EXPIRED_HOST
    self_signed_host: str = dovecot_files.SELF_SIGNED_HOST
    wrong_name_host: str = dovecot_files.WRONG_NAME_HOST
    unknown_issuer_host: str = dovecot_files.UNKNOWN_ISSUER_HOST
    common_name_host: str = dovecot_files.COMMON_NAME_HOST

    def start(self) -> None:
        """Start the server, and return when it has greeted a client.

        Raises:
            RuntimeError: it ended by itself, or said nothing in time; the message has its log.
        """
        for name in ("run", "state"):
            # A socket that a killed server has left there costs the next one five seconds.
            shutil.rmtree(self.directory / name, ignore_errors=True)
            (self.directory / name).mkdir()
        self._processes.start()
        try:
            eventually(self._has_greeted_or_ended, timeout_s=START_TIMEOUT_S)
        except TimeoutError as exc:
            raise RuntimeError(f"dovecot does not greet; its log:\n{self.log()}") from exc
        if not self._processes.is_running():
            raise RuntimeError(f"dovecot ended by itself; its log:\n{self.log()}")

    def kill(self) -> None:
        """Kill every process of the server at once, as a crash would, whatever it is doing."""
        self._processes.kill()

    def restart(self) -> None:
        """Kill the server and start it again: same ports, same certificates, same mail."""
        self.kill()
        self.start()

    def kill_sessions(self, user: str) -> int:
        """Kill the processes that serve `user`'s sessions, and say how many there were.

        The server itself runs on. The process that holds the TLS session is another one, so the
        client sees the line close, not a reset.
        """
        serving = [
            process.pid
            for process in self._processes.members()
            if process.name in SERVICES and f"[{user} " in process.command
        ]
        for pid in serving:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, signal.SIGKILL)
        return len(serving)

    def token(self, user: str, *, valid_s: int = 3600) -> str:
        """Return an access token of `user`'s; with a negative `valid_s` it has expired."""
        return tokens.token(user, valid_s=valid_s)

    def deliver(self, user: str, message: bytes, *, folder: str = "") -> None:
        """Put `message` into the user's INBOX, in one step; sessions in IDLE hear of it.

        Or into another mailbox that was made by a client, behind the server's back.
        """
        maildir = self.directory / "mail" / user / "Maildir" / (folder and f".{folder}")
        name = uuid.uuid4().hex
        new = maildir / "tmp" / name
        new.write_bytes(message)
        os.chown(new, *dovecot_files.mail_owner())
        new.rename(maildir / "new" / name)

    def log(self) -> str:
        """Return what the server has logged since its directory was made."""
        log = self.directory / "dovecot.log"
        return log.read_text(errors="replace") if log.exists() else "(none)"

    def _has_greeted_or_ended(self) -> bool:
        if not self._processes.is_running():
            return True
        try:
            with socket.create_connection((self.address, self.imap_port), timeout=1) as client:
                return client.recv(4) == b"* OK"
        except OSError:
            return False


def binary() -> str | None:
    """Return the path of Dovecot, or None where it or a part of it is missing.

    `SECUREMAIL_DOVECOT` names another one.
    """
    if LIBEXEC.is_dir() and not all((LIBEXEC / name).exists() for name in SERVICES):
        return None
    return shutil.which(os.environ.get("SECUREMAIL_DOVECOT", "/usr/sbin/dovecot"))


@contextlib.contextmanager
def dovecot() -> Iterator[DovecotWorld]:
    """Run a Dovecot of one's own: two ports for each protocol, two users, a directory that goes.

    Raises:
        RuntimeError: there is no Dovecot here, or it does not start.
    """
    command = binary()
    if command is None:
        raise RuntimeError("dovecot is not installed")
    with tempfile.TemporaryDirectory(prefix="securemail-dovecot-") as name:
        directory = Path(name)
        # Dovecot's users must be able to walk down to it; pytest's tmp_path is closed to them.
        directory.chmod(0o755)
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        certificates = dovecot_files.write(directory, ports)
        world = DovecotWorld(
            directory=directory,
            imap_port=ports["imap_port"],
            imaps_port=ports["imaps_port"],
            pop3_port=ports["pop3_port"],
            pop3s_port=ports["pop3s_port"],
            submission_port=ports["submission_port"],
            submissions_port=ports["submissions_port"],
            relay_port=ports["relay_port"],
            passwords=dovecot_files.PASSWORDS,
            ca_pem=certificates.ca_pem,
            client_pem=certificates.client_pem,
            revoked_client_pem=certificates.revoked_client_pem,
            _processes=ProcessGroup([command, "-F", "-c", str(directory / "dovecot.conf")]),
        )
        try:
            world.start()
            yield world
        finally:
            world.kill()


def free_ports(count: int, address: str = dovecot_files.ADDRESS) -> list[int]:
    """Return ports that nobody listens on. All are held at once, so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind((address, 0))
        return [listener.getsockname()[1] for listener in sockets]
