"""New mail becomes chat messages, and their answers become mail: bridge.py bridge.toml.

Passwords come from MAIL_PASSWORD and CHAT_PASSWORD. docs/bridge.md walks through this.
"""

import asyncio
import contextlib
import os
import sqlite3
import sys
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from bridge_chat import Chat, ChatError
from bridge_state import State, printable
from securemail import (
    Account,
    Connected,
    Cursor,
    Endpoint,
    Lost,
    MailboxChanged,
    Password,
    PoolLimits,
    SecureMailError,
    Service,
    SessionPool,
    SubmissionError,
    Submitted,
    TLSMode,
    TrustStore,
    UIDSet,
    UIDValidityChanged,
    UIDValidityError,
    UnknownOutcome,
    UsageError,
    fetch_messages,
    keep_trying,
    watch,
)

MOST_OCTETS = 65536


def tell(error: SecureMailError, wait_s: float) -> None:
    print(f"mail: {error}; again in {wait_s:.0f} s", file=sys.stderr)


class Bridge:
    """One mailbox and one person's chat."""

    def __init__(self, settings: dict[str, Any], account: Account, state: State) -> None:
        self.account, self.state = account, state
        self.patience_s = float(settings.get("patience_s", 300))
        self.chat = Chat(settings["chat"], os.environ["CHAT_PASSWORD"], state, self.send_new)
        self.pool = SessionPool(PoolLimits(maximum=2))
        self.tasks = asyncio.TaskGroup()
        self.sending: set[str] = set()

    async def run(self) -> None:
        """Run until somebody must act: the error says who."""
        async with self.pool, self.tasks:
            for ident, _, _ in self.state.mails("sending"):  # killed in the middle of it
                self.tasks.create_task(self.doubt(ident))
            self.send_new()
            self.tasks.create_task(self.watch_mail())
            self.tasks.create_task(self.chat.run())

    async def watch_mail(self) -> None:
        stored = self.state.cursor("mail")
        async with watch(self.account, since=stored and Cursor.from_json(stored)) as events:
            async for event in events:
                match event:
                    case MailboxChanged(cursor, new):
                        if new:
                            await keep_trying(partial(self.fetch, cursor, new), on_failure=tell)
                        self.state.store_cursor("mail", cursor.to_json())
                    case UIDValidityChanged(cursor):
                        text = "The mailbox was made anew: look there for what came meanwhile."
                        self.state.note(f"made-anew-{cursor.uidvalidity}", text)
                        self.state.store_cursor("mail", cursor.to_json())
                    case Connected(cursor):
                        if self.state.cursor("mail") is None:
                            self.state.store_cursor("mail", cursor.to_json())
                        print("watching", flush=True)
                    case Lost(_, error, retry_s):
                        tell(error, retry_s)
                self.chat.bell.set()

    async def fetch(self, cursor: Cursor, new: UIDSet) -> None:
        """Keep what is new. The cursor is stored after it: who is killed here does it again."""
        validity = cursor.uidvalidity
        async with self.pool.session(self.account, Service.IMAP) as session:
            found = fetch_messages(session, new, uidvalidity=validity, max_bytes=MOST_OCTETS)
            with contextlib.suppress(UIDValidityError):  # the watch is about to say so
                async for uid, octets in found:
                    self.state.take_mail(f"mail-{validity}-{uid}", octets)

    def send_new(self) -> None:
        for ident, recipient, octets in self.state.mails("new"):
            if ident not in self.sending:
                self.sending.add(ident)
                self.tasks.create_task(self.send(ident, recipient, octets))

    async def send(self, ident: str, recipient: str, octets: bytes) -> None:
        """Submit an answer for as long as that may help, and never twice."""

        def failed(error: SecureMailError, wait_s: float) -> None:
            tell(error, wait_s)
            if isinstance(error, SubmissionError):
                note(f"{ident}-late", f"Not yet sent to {recipient}, tried again: {error}")

        def note(name: str, text: str) -> None:
            self.state.note(name, printable(text))
            self.chat.bell.set()

        try:
            done = await keep_trying(
                partial(self.submit, ident, recipient, octets), on_failure=failed
            )
            refused = [each.words for each in done.refused if each.address == recipient]
        except UnknownOutcome:
            await self.doubt(ident)
            return
        except (SubmissionError, UsageError) as exc:
            refused = [str(exc)]
        finally:
            self.sending.discard(ident)
        if refused:
            note(f"{ident}-refused", f"Not sent to {recipient}: {refused[0]}")
        self.state.mark(ident, "refused" if refused else "sent")

    async def submit(self, ident: str, recipient: str, octets: bytes) -> Submitted:
        """Submit it, and a copy to ourselves that proves later that it went out."""
        own = self.account.address
        async with self.pool.session(self.account, Service.SUBMISSION) as session:
            self.state.mark(ident, "sending")  # what is killed from here on is in doubt
            try:
                done: Submitted = await session.client.submit(
                    octets, sender=own, recipients=[recipient, own]
                )
            except UnknownOutcome:
                raise
            except SecureMailError:
                self.state.mark(ident, "new")  # nothing was accepted
                raise
            return done

    async def doubt(self, ident: str) -> None:
        """Wait for the copy of an answer that may have gone out, and tell if none comes."""
        await asyncio.sleep(self.patience_s)
        if any(ident == each for each, _, _ in self.state.mails("sending")):
            self.state.note(f"{ident}-told", "It is not known whether your last answer was sent.")
            self.state.mark(ident, "told")
            self.chat.bell.set()


def account_of(mail: dict[str, Any]) -> Account:
    """Return the account that the settings describe, with TLS from the first byte."""
    host, addresses = mail["host"], mail.get("addresses", ())
    imap, submission = mail.get("imap", 993), mail.get("submission", 465)
    ca_file = mail.get("ca_file")
    return Account(
        mail["address"],
        imap=Endpoint(host, imap, TLSMode.IMPLICIT, addresses=addresses),
        submission=Endpoint(host, submission, TLSMode.IMPLICIT, addresses=addresses),
        credentials=Password(mail.get("user", mail["address"]), os.environ["MAIL_PASSWORD"]),
        trust=TrustStore.from_pem(Path(ca_file).read_bytes()) if ca_file else TrustStore.system(),
    )


async def main(path: str) -> None:
    settings = tomllib.loads(Path(path).read_text())
    account = account_of(settings["mail"])
    with contextlib.closing(State(settings["state"], account.address)) as state:
        await Bridge(settings, account, state).run()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not {"MAIL_PASSWORD", "CHAT_PASSWORD"} <= {*os.environ}:
        sys.exit(__doc__)
    end: str | int = 0
    try:
        asyncio.run(main(sys.argv[1]))
    except* (SecureMailError, ChatError, sqlite3.Error) as group:
        end = "\n".join(map(str, group.exceptions))
    except* KeyboardInterrupt:
        end = 130
    # Not in there: what is raised behind `except*` would end in a group of its own.
    sys.exit(end)
