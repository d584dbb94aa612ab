"""Options that several commands share."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from securemail.account import Service, TLSMode
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.cli.console import Terminal
from securemail.errors import UsageError
from securemail.setup.look import DISCOVERY_TIMEOUTS
from securemail.trust import TrustStore


class ServiceName(StrEnum):
    """A service, as one writes it."""

    imap = "imap"
    pop3 = "pop3"
    submission = "submission"


class ModeName(StrEnum):
    """When TLS begins, as one writes it."""

    implicit = "implicit"
    starttls = "starttls"


SERVICES: Final[dict[ServiceName | None, Service]] = {
    ServiceName.imap: Service.IMAP,
    ServiceName.pop3: Service.POP3,
    ServiceName.submission: Service.SUBMISSION,
}
MODES: Final[dict[ModeName | None, TLSMode]] = {
    ModeName.implicit: TLSMode.IMPLICIT,
    ModeName.starttls: TLSMode.STARTTLS,
}

ServiceOption = Annotated[
    ServiceName | None,
    typer.Option("--service", help="What the server speaks. Default: what the port stands for."),
]
ModeOption = Annotated[
    ModeName | None,
    typer.Option("--tls", help="TLS at once, or by STARTTLS. Default: what the port stands for."),
]
DNS = Annotated[
    str | None,
    typer.Option(
        "--dns",
        metavar="IP[:PORT]",
        envvar="SECUREMAIL_DNS",
        help="Ask this resolver, and validate its answers by DNSSEC (needed for DANE). "
        "Default: the computer's own, not validated.",
    ),
]
Anchor = Annotated[
    Path | None,
    typer.Option(
        "--dns-anchor",
        metavar="FILE",
        help="DS or DNSKEY records to validate from, instead of the root's.",
    ),
]
CA = Annotated[
    Path | None,
    typer.Option(
        "--ca", metavar="FILE", help="Trust these authorities (PEM) instead of the system's."
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        "--timeout", metavar="SECONDS", min=0.1, help="The longest that each server may take."
    ),
]
AsJSON = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]
AsLines = Annotated[
    bool, typer.Option("--json", help="Write results as JSON, one object on each line.")
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        envvar="SECUREMAIL_STORE",
        help="The file of accounts. Default: ~/.config/securemail/accounts.db, or where else this "
        "system has settings.",
    ),
]
Username = Annotated[
    str | None, typer.Option(metavar="NAME", help="The name to log in with. Default: the address.")
]
Which = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="An account: its number, or its address.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Say yes to every question.")]
Confirm = Annotated[
    list[str] | None,
    typer.Option(
        "--confirm",
        metavar="HOST",
        help="Accept this host, which nothing signed names. Repeatable.",
    ),
]


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
