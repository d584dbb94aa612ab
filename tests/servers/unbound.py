"""A private unbound: a resolver that validates, and whose verdict ours is compared with."""

from __future__ import annotations

import contextlib
import socket
import string
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dns.exception
import dns.message
import dns.query

from tests.servers import pki
from tests.servers.dovecot import free_ports
from tests.servers.process import ProcessGroup, eventually

PROGRAM: Final = Path("/usr/sbin/unbound")
TEMPLATE: Final = Path(__file__).with_name("unbound.conf")
ADDRESS: Final = "127.77.1.54"
TLS_NAME: Final = "resolver.test"
START_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Unbound:
    """A running unbound. Ask it at `server`, or over TLS at `tls_server` as `TLS_NAME`."""

    directory: Path
    port: int
    tls_port: int
    ca_pem: bytes
    _processes: ProcessGroup = field(repr=False)

    @property
    def server(self) -> tuple[str, int]:
        """Where it listens, UDP and TCP."""
        return ADDRESS, self.port

    @property
    def tls_server(self) -> tuple[str, int]:
        """Where it listens for TLS (RFC 7858)."""
        return ADDRESS, self.tls_port

    def flush(self) -> None:
        """Let it forget all that it has learnt, keys included.

        Raises:
            RuntimeError: it does not do so.
        """
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.directory / "control"))
            control.sendall(b"UBCT1 flush_zone .\n")
            said = control.makefile("rb").read()
        if not said.startswith(b"ok"):
            raise RuntimeError(f"unbound does not forget: {said!r}")

    def log(self) -> str:
        """Return what it has logged: why it found something bogus, among others."""
        log = self.directory / "unbound.log"
        return log.read_text(errors="replace") if log.exists() else "(none)"

    def _has_answered_or_ended(self) -> bool:
        return not self._processes.is_running() or answers(self.server)


@contextlib.contextmanager
def unbound(anchor: str, upstream: str) -> Iterator[Unbound]:
    """Run an unbound that trusts `anchor` and asks whom `upstream`, a part of its file, names.

    Raises:
        RuntimeError: it does not start; the message has its log.
    """
    with tempfile.TemporaryDirectory(prefix="securemail-unbound-") as name:
        directory = Path(name)
        port, tls_port = free_ports(2, ADDRESS)
        ca = pki.authority("A CA for resolvers")
        leaf = pki.issue(pki.Leaf(TLS_NAME, dns_names=(TLS_NAME,)), issuer=ca)
        (directory / "resolver.pem").write_bytes(leaf.pem)
        (directory / "root.key").write_text(f"{anchor}\n")
        conf = string.Template(TEMPLATE.read_text()).substitute(
            dir=directory, address=ADDRESS, port=port, tls_port=tls_port, upstream=upstream
        )
        (directory / "unbound.conf").write_text(conf)
        processes = ProcessGroup([str(PROGRAM), "-d", "-c", str(directory / "unbound.conf")])
        server = Unbound(directory, port, tls_port, ca.certificate_pem, processes)
        try:
            processes.start()
            eventually(server._has_answered_or_ended, timeout_s=START_TIMEOUT_S)
            if not processes.is_running():
                raise RuntimeError(f"unbound ended by itself; its log:\n{server.log()}")
            yield server
        finally:
            processes.kill()


def answers(server: tuple[str, int]) -> bool:
    """Whether a name server says anything: that it has no such class."""
    query = dns.message.make_query("version.bind.", "TXT", "CH")
    try:
        dns.query.udp(query, server[0], port=server[1], timeout=0.2)
    except (OSError, dns.exception.DNSException):
        return False
    return True
