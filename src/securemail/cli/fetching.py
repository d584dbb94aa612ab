"""`securemail fetch`: the messages of a mailbox into a Maildir or an mbox, each once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from securemail.account import Account, Service
from securemail.cli import options
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.fetch.batch import Store
from securemail.cli.fetch.incoming import Folder, Incoming, Maildrop, Waiting
from securemail.cli.fetch.maildir import Maildir
from securemail.cli.fetch.mbox import Mbox
from securemail.cli.local import LocalError, local
from securemail.cli.storing import find_account, store_path
from securemail.cli.surroundings import Surroundings, surroundings
from securemail.cli.unlocking import with_secrets
from securemail.connect import connect_imap, connect_pop3
from securemail.errors import UsageError

# What is stored at once: fewer waits for the disk, and little to fetch again.
_BATCH_BYTES: Final = 4 * 1024 * 1024
_BATCH_MESSAGES: Final = 50


class Kind(StrEnum):
    """How messages are stored, as one writes it."""

    maildir = "maildir"
    mbox = "mbox"


class Protocol(StrEnum):
    """How a mailbox is read, as one writes it."""

    imap = "imap"
    pop3 = "pop3"


def fetch(
    which: options.Which,
    target: Annotated[
        Path,
        typer.Argument(
            readable=False, metavar="TO", help="A Maildir or an mbox, made if it is not there."
        ),
    ],
    mailbox: Annotated[
        str, typer.Option(metavar="NAME", help="The mailbox to read (IMAP).")
    ] = "INBOX",
    service: Annotated[
        Protocol | None, typer.Option(help="Default: IMAP where the account has it.")
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Option("--format", help="Default: maildir; mbox for a file, or a name in .mbox."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Where the server has numbered anew (UIDVALIDITY): fetch all again."
        ),
    ] = False,
    store: options.Store = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    timeout: options.Seconds = 40.0,
    json: options.AsLines = False,
) -> None:
    """Fetch all messages that are not there yet; the server keeps them all, as they are.

    Interrupt it at any moment, by Ctrl-C or by pulling the plug: the same command goes on, nothing
    is lost and nothing is there twice. Use an mbox for nothing else meanwhile. The password comes
    from SECUREMAIL_PASSWORD or the keyring, or is asked for. Examples:

        securemail fetch alice@example.org ~/Maildir

        securemail fetch 1 archive.mbox --mailbox Archive --json
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    around = surroundings(terminal, dns, dns_anchor, None, timeout)
    stored = terminal.run("reading the accounts", find_account(path, which))
    with terminal.failing(), local(target):
        reading = _reading(stored.account, service, mailbox)
        kind = kind or _kind(target)
    account = with_secrets(terminal, path, stored)
    work = _Fetching(terminal, target, kind, reading, is_again=again)
    try:
        terminal.run_plain(work.run(account, around))
    except typer.Exit as exc:
        if exc.exit_code == Exit.INTERRUPTED:
            terminal.say(f"{work.stored} messages are stored; the same command goes on from there.")
        raise
    terminal.say(f"{work.stored} messages fetched, {work.there} were there.", style="bold green")
    if work.refused:
        terminal.say(f"The server did not hand out {work.refused}.", style="bold red")
        raise typer.Exit(Exit.REFUSED)


def _kind(target: Path) -> Kind:
    return Kind.mbox if target.is_file() or target.suffix == ".mbox" else Kind.maildir


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is read. `source` names it for ever: another server is another mailbox."""

    service: Service
    mailbox: str
    source: str


def _reading(account: Account, wanted: Protocol | None, mailbox: str) -> _Reading:
    """Return what is to be read. Raises: UsageError."""
    if wanted is None:
        wanted = Protocol.imap if account.imap is not None else Protocol.pop3
    service = Service.IMAP if wanted is Protocol.imap else Service.POP3
    endpoint = account.endpoint(service)
    if endpoint is None:
        raise UsageError(f"{account.address} has no {service.value}", field="ACCOUNT")
    if service is Service.POP3 and mailbox.upper() != "INBOX":
        raise UsageError("POP3 has an INBOX and nothing else", field="--mailbox")
    source = f"{service.value} {account.address} {endpoint.host} {mailbox!r}"
    return _Reading(service, mailbox, source)


@dataclass(slots=True)
class _Fetching:
    """A fetch, and how far it has come."""

    terminal: Terminal
    target: Path
    kind: Kind
    reading: _Reading
    is_again: bool = field(kw_only=True)
    stored: int = 0
    there: int = 0
    refused: int = 0
    _batch: list[tuple[str, bytes]] = field(default_factory=list)

    async def run(self, account: Account, around: Surroundings) -> None:
        """Fetch. Raises: SecureMailError, LocalError among them."""
        with local(self.target), closing(self._open()) as store, self._progress() as progress:
            # It goes to and fro until it is known how much there is.
            task = progress.add_task("fetching", total=None)
            async with _opened(account, self.reading, around) as incoming:
                await self._fetch(incoming, store, partial(progress.update, task))

    async def _fetch(self, incoming: Incoming, store: Store, update: Callable[..., None]) -> None:
        waiting = await incoming.waiting(store.journal.keys)
        self._check_numbering(store, waiting)
        wanted = [each for each in waiting if each.key not in store.journal.keys]
        self.there = len(waiting) - len(wanted)
        update(total=sum(each.octets for each in wanted))
        async for each, text in incoming.messages(wanted):
            self._take(each, text, store)
            update(advance=each.octets)
        self._flush(store)

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("fetching"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=self.terminal.err,
            transient=True,
            disable=not self.terminal.err.is_terminal,
        )

    def _open(self) -> Store:
        make = Maildir if self.kind is Kind.maildir else Mbox
        if self.kind is Kind.maildir and self.target.is_file():
            raise LocalError(f"{self.target} is a file, and no Maildir")
        return make(self.target, self.reading.source)

    def _check_numbering(self, store: Store, waiting: list[Waiting]) -> None:
        """Stop where the server has numbered anew: nobody knows which messages are new."""
        if self.reading.service is not Service.IMAP or self.is_again:
            return
        old = {key.partition("/")[0] for key in store.journal.keys}
        new = {each.key.partition("/")[0] for each in waiting}
        if old and new and not old & new:
            raise UsageError(
                "the server has numbered its messages anew (UIDVALIDITY), so that nobody knows "
                "which of them were fetched; --again fetches all of them once more",
                field="--mailbox",
            )

    def _take(self, each: Waiting, text: bytes | None, store: Store) -> None:
        if text is None:
            self.refused += 1
            return
        self._batch.append((each.key, text))
        octets = sum(len(message) for _, message in self._batch)
        if len(self._batch) >= _BATCH_MESSAGES or octets >= _BATCH_BYTES:
            self._flush(store)

    def _flush(self, store: Store) -> None:
        if not self._batch:
            return
        # Nothing awaits in here: a Ctrl-C comes before it, or behind it.
        store.store(self._batch)
        batch, self._batch = self._batch, []
        self.stored += len(batch)
        if self.terminal.is_json:
            for key, message in batch:
                self.terminal.show_next("", {"key": key, "octets": len(message)})


@asynccontextmanager
async def _opened(
    account: Account, reading: _Reading, around: Surroundings
) -> AsyncIterator[Incoming]:
    if reading.service is Service.IMAP:
        async with connect_imap(
            account, resolver=around.resolver, timeouts=around.timeouts
        ) as session:
            yield Folder(session, reading.mailbox, around.timeouts.command)
        return
    async with connect_pop3(
        account, resolver=around.resolver, timeouts=around.timeouts, utf8=True
    ) as drop:
        yield Maildrop(drop.client)
