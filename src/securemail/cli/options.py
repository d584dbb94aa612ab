"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from securemail.account import Service, TLSMode


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
# `readable=False` with each path: typer does not look, and what cannot be read is told, with its
# exit code, by whoever reads.
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
        readable=False,
        metavar="FILE",
        help="DS or DNSKEY records to validate from, instead of the root's.",
    ),
]
CA = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        readable=False,
        metavar="FILE",
        help="Trust these authorities (PEM) instead of the system's.",
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
        readable=False,
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
