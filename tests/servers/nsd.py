"""A private NSD with the zones of a signed world, and an unbound in front of it."""

from __future__ import annotations

import contextlib
import string
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from securemail.testing.dns.authority import Authority
from tests.servers.dovecot import free_ports
from tests.servers.process import ProcessGroup, eventually
from tests.servers.unbound import PROGRAM as UNBOUND
from tests.servers.unbound import Unbound, answers, unbound

PROGRAM: Final = Path("/usr/sbin/nsd")
TEMPLATE: Final = Path(__file__).with_name("nsd.conf")
ADDRESS: Final = "127.77.1.53"
START_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class DNSWorld:
    """Zones that NSD serves and `unbound` validates: `Resolver([world.server], ...)` asks it."""

    authority: Authority
    unbound: Unbound

    @property
    def server(self) -> tuple[str, int]:
        """The resolver to ask."""
        return self.unbound.server

    @property
    def anchor(self) -> str:
        """Where trust in this world begins: the DS of its root."""
        return self.authority.anchor


def why_not() -> str | None:
    """Return why there can be no such world here, or None."""
    missing = [path.name for path in (PROGRAM, UNBOUND) if not path.exists()]
    return (
        f"{missing[0]} is not installed: run `make test` as root or with sudo" if missing else None
    )


@contextlib.contextmanager
def dns_world(authority: Authority) -> Iterator[DNSWorld]:
    """Serve the zones of `authority`.

    Raises:
        RuntimeError: a server does not start; the message has its log.
    """
    with nsd(authority) as address:
        # No root servers and no port 53: unbound is told where each zone is.
        stubs = (
            f'stub-zone:\n  name: "{zone}"\n  stub-addr: {address}' for zone in authority.zones
        )
        with unbound(authority.anchor, "\n".join(stubs)) as resolver:
            yield DNSWorld(authority, resolver)


@contextlib.contextmanager
def nsd(authority: Authority) -> Iterator[str]:
    """Run an NSD, and yield where it is, as unbound writes that: address@port."""
    with tempfile.TemporaryDirectory(prefix="securemail-nsd-") as name:
        directory = Path(name)
        (port,) = free_ports(1, ADDRESS)
        zones = []
        for number, zone in enumerate(authority.zones.values()):
            (directory / f"{number}.zone").write_text(zone.to_text())
            zones.append(f'zone:\n  name: "{zone.name}"\n  zonefile: "{number}.zone"')
        conf = string.Template(TEMPLATE.read_text()).substitute(
            dir=directory, address=ADDRESS, port=port, zones="\n".join(zones)
        )
        (directory / "nsd.conf").write_text(conf)
        processes = ProcessGroup([str(PROGRAM), "-d", "-c", str(directory / "nsd.conf")])
        try:
            processes.start()
            eventually(lambda: answers((ADDRESS, port)), timeout_s=START_TIMEOUT_S)
            yield f"{ADDRESS}@{port}"
        except TimeoutError as exc:
            log = (directory / "nsd.log").read_text(errors="replace")
            raise RuntimeError(f"nsd does not answer; its log:\n{log}") from exc
        finally:
            processes.kill()
