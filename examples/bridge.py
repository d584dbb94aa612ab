"""New mail becomes chat messages, and their answers become mail: bridge.py bridge.toml.

Passwords come from MAIL_PASSWORD and CHAT_PASSWORD. docs/bridge.md walks through this.
"""

import asyncio
import contextlib
import os
import ssl
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import XMPPError

from bridge_state import Letter, Said, State, letter, printable
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
    TLSMode,
    TrustStore,
    UIDValidityChanged,
    UnknownOutcome,
    UsageError,
    watch,
)
from securemail.reconnect import Remedy, remedy
from securemail.uids import UIDSet

MOST_OCTETS = 65536
PAGE = 50
PAUSE_S = 1.0


class Bridge:
    """One mailbox and one person's chat."""

    def __init__(self, settings: dict[str, Any], account: Account, state: State) -> None:
        self.chat = settings["chat"]
        self.patience_s = float(settings.get("patience_s", 300))
        self.account, self.state = account, state
        self.pool = SessionPool(PoolLimits(maximum=2))
        self.tasks = asyncio.TaskGroup()
        self.chat_bell, self.mail_bell = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Run until somebody must act: the error says who."""
        in_doubt = [ident for ident, _, _ in self.state.mails("sending")]
        async with self.pool, self.tasks:
            for work in (self.watch_mail(), self.keep_talking(), self.send_mail()):
                self.tasks.create_task(work)
            for ident in in_doubt:
                self.tasks.create_task(self.doubt(ident))

    # --- mail to chat

    async def watch_mail(self) -> None:
        stored = self.state.cursor("mail")
        since = Cursor.from_json(stored) if stored else None
        async with watch(self.account, since=since) as events:
            async for event in events:
                match event:
                    case MailboxChanged(cursor, new):
                        letters = await self.fetched(cursor, new) if new else []
                        self.state.take_mail(cursor.to_json(), letters)
                    case UIDValidityChanged(cursor):
                        self.state.take_mail(cursor.to_json())
                        self.state.note(
                            f"made-anew-{cursor.uidvalidity}",
                            "The mailbox was made anew: look there for what came meanwhile.",
                        )
                    case Connected(cursor):
                        if self.state.cursor("mail") is None:
                            self.state.take_mail(cursor.to_json())
                        print("watching", flush=True)
                    case Lost(_, error, retry_s):
                        print(f"mail: {error}; again in {retry_s:.0f} s", file=sys.stderr)
                self.chat_bell.set()

    async def fetch(self, cursor: Cursor, new: UIDSet) -> list[Letter]:
        """Read the new messages; those that are gone again are left out."""
        letters: list[Letter] = []
        async with self.pool.session(self.account, Service.IMAP) as session:
            answer = await session.client.select("INBOX")
            if f"[UIDVALIDITY {cursor.uidvalidity}]".encode() not in b" ".join(answer.lines):
                return letters  # the watch is about to say so
            for uid in new:
                answer = await session.client.uid(
                    "fetch", str(uid), f"(BODY.PEEK[]<0.{MOST_OCTETS}>)"
                )
                raw = [bytes(line) for line in answer.lines if isinstance(line, bytearray)]
                letters += [letter(f"mail-{cursor.uidvalidity}-{uid}", each) for each in raw[:1]]
        return letters

    async def fetched(self, cursor: Cursor, new: UIDSet) -> list[Letter]:
        """Fetch until the server is there; raise where somebody must act."""
        while True:
            try:
                return await self.fetch(cursor, new)
            except SecureMailError as exc:
                self.tell(exc)
            await asyncio.sleep(PAUSE_S)

    def tell(self, exc: SecureMailError) -> None:
        """Print what will be tried again; raise what must not."""
        if remedy(exc, has_token=False) is Remedy.STOP:
            raise exc
        print(f"mail: {exc}", file=sys.stderr)

    # --- chat: the archive is the truth, everything else a bell

    async def keep_talking(self) -> None:
        """Talk on one stream after another. Nothing that waited in an old one can leave later."""
        while True:
            stream = ClientXMPP(
                self.chat["jid"],
                os.environ["CHAT_PASSWORD"],
                ssl_context=ssl.create_default_context(cafile=self.chat.get("ca_file")),
            )
            try:
                await self.talk(stream)
            except XMPPError as exc:
                print(f"chat: {exc}", file=sys.stderr)
            finally:
                stream.cancel_connection_attempt()
                stream.abort()
                # It would run, and keep the stream in memory, for ever.
                if stream._run_out_filters:  # noqa: SLF001
                    stream._run_out_filters.cancel()  # noqa: SLF001
            await asyncio.sleep(PAUSE_S)

    async def talk(self, stream: ClientXMPP) -> None:
        """Exchange messages until the stream ends."""
        gone, started = asyncio.Event(), asyncio.Event()
        for plugin in ("xep_0199", "xep_0313", "xep_0461"):
            stream.register_plugin(plugin)
        for name in ("disconnected", "failed_all_auth", "stream_error"):
            stream.add_event_handler(name, lambda _: gone.set())
        stream.add_event_handler("session_start", lambda _: started.set())
        stream.add_event_handler("message", lambda _: self.chat_bell.set())
        stream.connect(self.chat.get("host"), self.chat.get("port"))

        async def exchange() -> None:
            await started.wait()
            stream.send_presence()
            while True:
                self.chat_bell.clear()
                await self.catch_up(stream)
                if unshown := self.state.unshown():
                    for ident, body in unshown:
                        made = stream.make_message(JID(self.chat["person"]), body, mtype="chat")
                        made["id"] = made["thread"] = ident
                        made.send()
                    # Stanzas are dealt with in order: what was taken is in the archive by now.
                    await self.catch_up(stream)
                    if {*unshown} & {*self.state.unshown()}:
                        raise RuntimeError("the chat archive does not keep what we say")
                await self.chat_bell.wait()

        ends = [asyncio.create_task(exchange()), asyncio.create_task(gone.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if ends[0].done():
                ends[0].result()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def catch_up(self, stream: ClientXMPP) -> None:
        """Read the archive (XEP-0313) from the cursor to its end: what we said, and the person."""
        cursor = self.state.cursor("chat") or {
            "since": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
            "after": "",
        }
        while True:
            after = cursor["after"]
            try:
                page = await stream.plugin["xep_0313"].retrieve(
                    with_jid=JID(self.chat["person"]),
                    start=datetime.fromisoformat(cursor["since"]),
                    rsm={"max": PAGE} | ({"after": after} if after else {}),
                    timeout=10,
                )
            except XMPPError as exc:
                if exc.condition != "item-not-found" or not after:
                    raise
                # Deleted, it is so old. From the start, then: what is known is known.
                cursor = {**cursor, "after": ""}
                continue
            said = [self.said(stream, each["mam_result"]) for each in page["mam"]["results"]]
            cursor = {**cursor, "after": said[-1].archive_id if said else after}
            self.state.take_chat(cursor, said)
            if self.state.mails("new"):
                self.mail_bell.set()
            if len(said) < PAGE:
                return

    def said(self, stream: ClientXMPP, result: Any) -> Said:
        told = result["forwarded"]["stanza"]
        return Said(
            result["id"],
            told["id"],
            is_ours=told["from"].bare == stream.boundjid.bare,
            body=told["body"],
            answers=told["reply"]["id"] or told["thread"],
        )

    # --- chat to mail

    async def send_mail(self) -> None:
        while True:
            self.mail_bell.clear()
            for ident, recipient, raw in self.state.mails("new"):
                try:
                    await self.submit(ident, recipient, raw)
                except SecureMailError as exc:
                    self.tell(exc)
                self.chat_bell.set()
            with contextlib.suppress(TimeoutError):
                pause_s = PAUSE_S if self.state.mails("new") else None
                await asyncio.wait_for(self.mail_bell.wait(), pause_s)

    async def submit(self, ident: str, recipient: str, raw: bytes) -> None:
        """Submit a mail, and a copy to ourselves that proves later that it went out."""
        own = self.account.address
        async with self.pool.session(self.account, Service.SUBMISSION) as session:
            self.state.mark(ident, "sending")  # what is cut off from here on is in doubt
            try:
                done = await session.client.submit(raw, sender=own, recipients=[recipient, own])
            except UnknownOutcome:
                self.tasks.create_task(self.doubt(ident))
                return
            except (SubmissionError, UsageError) as exc:
                if isinstance(exc, SubmissionError) and exc.is_temporary:
                    self.state.mark(ident, "new")
                    raise
                self.state.mark(ident, "refused", f"Not sent to {recipient}: {printable(str(exc))}")
                return
            except SecureMailError:
                self.state.mark(ident, "new")  # the line broke before the end: nothing was accepted
                raise
        refused = [each.words for each in done.refused if each.address == recipient]
        note = f"Not sent to {recipient}: {printable(refused[0])}" if refused else ""
        self.state.mark(ident, "refused" if note else "sent", note)

    async def doubt(self, ident: str) -> None:
        """Wait for the copy of a mail that may have gone out, and tell the person if none comes."""
        await asyncio.sleep(self.patience_s)
        if any(ident == each for each, _, _ in self.state.mails("sending")):
            self.state.mark(ident, "told", "It is not known whether your last answer was sent.")
            self.chat_bell.set()


def account_of(mail: dict[str, Any]) -> Account:
    """Return the account that the settings describe, with implicit TLS."""

    def endpoint(port: int) -> Endpoint:
        addresses = mail.get("addresses", ())
        return Endpoint(mail["host"], port, TLSMode.IMPLICIT, addresses=addresses)

    authority = mail.get("ca_file")
    trust = TrustStore.from_pem(Path(authority).read_bytes()) if authority else TrustStore.system()
    return Account(
        mail["address"],
        imap=endpoint(mail.get("imap", 993)),
        submission=endpoint(mail.get("submission", 465)),
        credentials=Password(mail.get("user", mail["address"]), os.environ["MAIL_PASSWORD"]),
        trust=trust,
    )


async def main(path: str) -> None:
    settings = tomllib.loads(Path(path).read_text())
    account = account_of(settings["mail"])
    with contextlib.closing(State(settings["state"], account.address)) as state:
        await Bridge(settings, account, state).run()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1]))
    except* SecureMailError as group:
        sys.exit("\n".join(map(str, group.exceptions)))
