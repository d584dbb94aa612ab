"""A private Prosody: chat accounts with an archive (XEP-0313), over TLS."""

from __future__ import annotations

import contextlib
import shutil
import socket
import string
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.servers import pki
from tests.servers.dovecot import free_ports
from tests.servers.process import ProcessGroup, eventually

TEMPLATE: Final = Path(__file__).with_name("prosody.cfg.lua")
START_TIMEOUT_S: Final = 10.0
DOMAIN: Final = "chat.example.test"
ADDRESS: Final = "127.0.0.1"
PASSWORDS: Final = MappingProxyType({"bridge": "bridge's toll", "alice": "alice's chat"})


@dataclass(frozen=True, slots=True)
class ProsodyWorld:
    """A running Prosody: connect to `address` and `port` with STARTTLS, as `domain`."""

    directory: Path
    port: int
    ca_pem: bytes
    _processes: ProcessGroup = field(repr=False)
    address: str = ADDRESS
    domain: str = DOMAIN

    def start(self) -> None:
        """Start the server, and return when it takes connections.

        Raises:
            RuntimeError: it did not in time; the message has its log.
        """
        self._processes.start()
        try:
            eventually(self._is_listening, timeout_s=START_TIMEOUT_S)
        except TimeoutError as exc:
            raise RuntimeError(f"prosody does not listen; its log:\n{self.log()}") from exc

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self._processes.kill()

    def log(self) -> str:
        """Return what the server has logged."""
        log = self.directory / "prosody.log"
        return log.read_text(errors="replace") if log.exists() else "(none)"

    def _is_listening(self) -> bool:
        try:
            with socket.create_connection((self.address, self.port), timeout=1):
                return True
        except OSError:
            return False


def binary() -> str | None:
    """Return the path of Prosody, or None."""
    return shutil.which("prosody", path="/usr/bin:/usr/local/bin")


@contextlib.contextmanager
def prosody() -> Iterator[ProsodyWorld]:
    """Run a Prosody of one's own, with the accounts in `PASSWORDS`."""
    command = binary()
    if command is None:
        raise RuntimeError("prosody is not installed")
    with tempfile.TemporaryDirectory(prefix="securemail-prosody-") as name:
        directory = Path(name)
        (port,) = free_ports(1, ADDRESS)
        ca = pki.authority("Test chat CA")
        pair = pki.issue(pki.Leaf(DOMAIN, dns_names=(DOMAIN,)), issuer=ca)
        (directory / "chat.crt").write_bytes(pair.certificate_pem)
        (directory / "chat.key").write_bytes(pair.key_pem)
        (directory / "data").mkdir()
        conf = directory / "prosody.cfg.lua"
        conf.write_text(
            string.Template(TEMPLATE.read_text()).substitute(
                dir=directory, address=ADDRESS, port=port
            )
        )
        for user, password in PASSWORDS.items():
            subprocess.run(
                ["prosodyctl", "--config", conf, "register", user, DOMAIN, password],
                check=True,
                capture_output=True,
                timeout=20,
            )
        group = ProcessGroup([command, "--config", str(conf), "-F"])
        world = ProsodyWorld(directory, port, ca.certificate_pem, group)
        try:
            world.start()
            yield world
        finally:
            world.kill()
