"""Whom the command asks and whom it believes, as its options say."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.cli.console import Terminal
from securemail.errors import UsageError
from securemail.setup.look import DISCOVERY_TIMEOUTS
from securemail.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom the command asks and whom it believes."""

    resolver: Resolver
    trust: TrustStore
    timeouts: Timeouts

    @classmethod
    def of(
        cls, dns: str | None, anchor: Path | None, ca: Path | None, seconds: float
    ) -> Surroundings:
        """Return what the options say.

        Raises: UsageError naming the option.
        """
        base = DISCOVERY_TIMEOUTS
        with said_of("Timeouts.total", "--timeout"):
            timeouts = Timeouts(
                connect=min(base.connect, seconds),
                tls=min(base.tls, seconds),
                greeting=min(base.greeting, seconds),
                command=min(base.command, seconds),
                total=seconds,
            )
        if anchor is not None and dns is None:
            raise UsageError("is of use with --dns only", field="--dns-anchor")
        with said_of("Resolver.anchor", "--dns-anchor"):
            resolver = (
                Resolver.system() if dns is None else Resolver([server_of(dns)], anchor=anchor)
            )
        with said_of("TrustStore", "--ca"):
            trust = TrustStore.system() if ca is None else TrustStore.from_file(ca)
        return cls(resolver, trust, timeouts)


def server_of(text: str) -> tuple[str, int]:
    """Return the IP address and the port of a resolver; 53 where the text has none.

    Raises: UsageError.
    """
    try:
        return str(ipaddress.ip_address(text)), 53
    except ValueError:
        pass
    host, colon, port = text.rpartition(":")
    try:
        host = str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        colon = ""
    if not colon or not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535):
        raise UsageError(f"{text!r} is neither IP nor IP:PORT", field="--dns")
    return host, int(port)


@contextmanager
def said_of(field: str, option: str) -> Iterator[None]:
    """Name the option, and not the library's `field`, where its value is wrong.

    Raises: UsageError.
    """
    try:
        yield
    except UsageError as exc:
        if exc.field != field:
            raise
        raise UsageError(str(exc).removeprefix(f"{field}: "), field=option) from exc


def surroundings(
    terminal: Terminal, dns: str | None, anchor: Path | None, ca: Path | None, seconds: float
) -> Surroundings:
    """Return what the options say; what is wrong with them ends the command.

    Raises: typer.Exit.
    """
    with terminal.failing():
        return Surroundings.of(dns, anchor, ca, seconds)
