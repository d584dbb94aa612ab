"""`securemail watch`: what happens in a mailbox, told as it happens, and never twice."""

from __future__ import annotations

import json as jsons
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from securemail.account import Account, Service
from securemail.cli import options
from securemail.cli.console import Terminal
from securemail.cli.files import digest, write_through
from securemail.cli.happenings import event_data, event_view
from securemail.cli.local import local
from securemail.cli.storing import find_account, store_path
from securemail.cli.surroundings import Surroundings, surroundings
from securemail.cli.unlocking import with_secrets
from securemail.errors import UsageError
from securemail.watching import Cursor, MaildropCursor, watch


def watch_(
    which: options.Which,
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help="The mailbox.")] = "INBOX",
    cursor: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            metavar="FILE",
            help="Where it is kept how far it has come. Default: a file beside the accounts.",
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Begin with now, whatever has happened meanwhile.")
    ] = False,
    events: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="End after so many events. Default: never."),
    ] = None,
    store: options.Store = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    timeout: options.Seconds = 40.0,
    json: options.AsLines = False,
) -> None:
    """Tell what happens in a mailbox until Ctrl-C, and the next time what happened in between.

    A line that drops is made anew, at growing intervals; a password that is refused, a certificate
    that is not valid, or a mailbox that does not exist ends it. The password comes from
    SECUREMAIL_PASSWORD or the keyring, or is asked for. Examples:

        securemail watch alice@example.org

        securemail watch 1 Archive --json | while read -r event; do …; done
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    around = surroundings(terminal, dns, dns_anchor, None, timeout)
    stored = terminal.run("reading the accounts", find_account(path, which))
    with terminal.failing():
        place = _Place.of(stored.account, mailbox, cursor, path)
        since = None if anew else place.read()
    account = with_secrets(terminal, path, stored)
    terminal.run_plain(_watch(terminal, account, _Watching(mailbox, place, since, events), around))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the cursor of one mailbox is kept. `source` says whose it is."""

    path: Path
    source: str
    service: Service

    @classmethod
    def of(cls, account: Account, mailbox: str, given: Path | None, store: Path) -> _Place:
        service = Service.IMAP if account.imap is not None else Service.POP3
        endpoint = account.endpoint(service)
        if endpoint is None:
            raise UsageError(f"{account.address} has no mailbox to watch", field="ACCOUNT")
        source = f"{service.value} {account.address} {endpoint.host} {mailbox!r}"
        beside = store.with_name(f"{store.name}.watch") / f"{digest(source)}.json"
        return cls(given or beside, source, service)

    def read(self) -> Cursor | MaildropCursor | None:
        """Return the cursor, None where there is none yet. Raises: UsageError, LocalError."""
        with local(self.path):
            if not self.path.exists():
                return None
            text = self.path.read_bytes()
        kind: type[Cursor | MaildropCursor] = Cursor
        if self.service is Service.POP3:
            kind = MaildropCursor
        try:
            values = jsons.loads(text)
            source, cursor = str(values["source"]), kind.from_json(values["cursor"])
        except (KeyError, TypeError, RecursionError, ValueError) as exc:
            raise UsageError(
                f"{self.path} has no cursor of this mailbox; --anew begins with now",
                field="--cursor",
            ) from exc
        if source != self.source:
            raise UsageError(f"{self.path} is about another mailbox: {source!r}", field="--cursor")
        return cursor

    def write(self, cursor: Cursor | MaildropCursor) -> None:
        """Keep the cursor: the old one or the new one is there. Raises: LocalError."""
        data: dict[str, Any] = {"source": self.source, "cursor": cursor.to_json()}
        with local(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            half = self.path.with_name(f"{self.path.name}.half")
            write_through(half, jsons.dumps(data).encode() + b"\n")
            half.rename(self.path)


@dataclass(frozen=True, slots=True)
class _Watching:
    """What is watched, from when on, for how many events."""

    mailbox: str
    place: _Place
    since: Cursor | MaildropCursor | None
    events: int | None


async def _watch(
    terminal: Terminal, account: Account, wanted: _Watching, around: Surroundings
) -> None:
    told = 0
    async with watch(
        account,
        wanted.mailbox,
        since=wanted.since,
        timeouts=around.timeouts,
        resolver=around.resolver,
    ) as events:
        async for event in events:
            # Told, then noted: whoever is killed in between tells it again, and misses nothing.
            terminal.show_next(event_view(event), event_data(event))
            if event.cursor is not None:
                wanted.place.write(event.cursor)
            told += 1
            if told == wanted.events:
                return
