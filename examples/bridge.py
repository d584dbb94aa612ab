"""New mail becomes chat messages, and their answers become mail: bridge.py bridge.toml.

Passwords come from MAIL_PASSWORD and CHAT_PASSWORD. docs/bridge.md walks through this.
"""

import asyncio
import contextlib
import os
import random
import sqlite3
import sys
import tomllib
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import slixmpp
from slixmpp.exceptions import XMPPError

import securemail
from bridge_state import State
from securemail import Endpoint, SecureMailError, Service, SubmissionError, TLSMode, UnknownOutcome

CHAT_BACKOFF = securemail.Backoff(ceiling=60)


def tell(error: SecureMailError, wait_s: float) -> None:
    print(f"mail: {error}; again in {wait_s:.0f} s", file=sys.stderr)


class Bridge:
    """One mailbox, one person's chat, and the state between them."""

    def __init__(self, settings: dict[str, Any], account: securemail.Account, state: State) -> None:
        self.account, self.state, self.chat = account, state, settings["chat"]
        self.patience_s = float(settings.get("patience_s", 300))
        self.pool = securemail.SessionPool(securemail.PoolLimits(maximum=2))
        self.tasks = asyncio.TaskGroup()
        self.chat_failures = 0

    async def run(self) -> None:
        """Run until somebody must act: the error says who."""
        async with self.pool, self.tasks as tasks:
            for ident, _, _ in self.state.items("sending"):  # killed in the middle of it
                tasks.create_task(self.doubt(ident))
            for answer in self.state.items("new"):
                tasks.create_task(self.send(*answer))
            tasks.create_task(self.watch_mail())
            tasks.create_task(self.talk())

    # --- new mail

    async def watch_mail(self) -> None:
        stored = self.state.cursor("mail")
        since = stored and securemail.Cursor.from_json(stored)
        async with securemail.watch(self.account, since=since) as events:
            async for event in events:
                match event:
                    case securemail.MailboxChanged(cursor, new) if new:
                        fetch = partial(self.fetch, cursor.uidvalidity, new)
                        await securemail.keep_trying(fetch, on_failure=tell)
                    case securemail.UIDValidityChanged(cursor):
                        text = "The mailbox was made anew: look there for what came meanwhile."
                        self.state.show(f"note-made-anew-{cursor.uidvalidity}", text)
                    case securemail.Lost(_, error, retry_s):
                        tell(error, retry_s)
                # Now, and not before: who is killed on the way here does it again.
                if event.cursor is not None:
                    self.state.store_cursor("mail", event.cursor.to_json())
                if isinstance(event, securemail.Connected):
                    print("watching", flush=True)

    async def fetch(self, validity: int, new: securemail.UIDSet) -> None:
        async with self.pool.session(self.account, Service.IMAP) as session:
            found = securemail.fetch_messages(session, new, uidvalidity=validity, max_bytes=65536)
            with contextlib.suppress(securemail.UIDValidityError):  # the watch is about to say so
                async for uid, octets in found:
                    self.state.take_mail(f"mail-{validity}-{uid}", octets)

    # --- answers

    async def send(self, ident: str, recipient: str, octets: bytes) -> None:
        """Submit an answer for as long as that may help, and never twice."""

        def failed(error: SecureMailError, wait_s: float) -> None:
            tell(error, wait_s)
            if isinstance(error, SubmissionError):
                text = f"Not yet sent to {recipient}, tried again: {error}"
                self.state.show(f"note-{ident}-late", text)

        submit = partial(self.submit, ident, [recipient, self.account.address], octets)
        try:
            done = await securemail.keep_trying(submit, on_failure=failed)
            refused = [each.words for each in done.refused if each.address == recipient]
        except UnknownOutcome:
            await self.doubt(ident)
            return
        except (SubmissionError, securemail.UsageError) as exc:
            refused = [str(exc)]
        if refused:
            self.state.show(f"note-{ident}-refused", f"Not sent to {recipient}: {refused[0]}")
        self.state.mark(ident, "refused" if refused else "sent")

    async def submit(self, ident: str, recipients: list[str], octets: bytes) -> Any:
        """Submit it, with a copy to ourselves that proves later that it went out."""
        own = self.account.address
        async with self.pool.session(self.account, Service.SUBMISSION) as session:
            self.state.mark(ident, "sending")  # what is killed from here on is in doubt
            try:
                return await session.client.submit(octets, sender=own, recipients=recipients)
            except SecureMailError as exc:
                if not isinstance(exc, UnknownOutcome):
                    self.state.mark(ident, "new")  # nothing was accepted
                raise

    async def doubt(self, ident: str) -> None:
        """Wait for the copy of an answer that may have gone out, and tell if none comes."""
        await asyncio.sleep(self.patience_s)
        if any(ident == each for each, _, _ in self.state.items("sending")):
            text = "It is not known whether your last answer was sent."
            self.state.show(f"note-{ident}-told", text)
            self.state.mark(ident, "told")

    # --- the chat: its archive is the truth (XEP-0313), and everything else a bell

    async def talk(self) -> None:
        """Talk on one stream after another."""
        while True:
            stream = Stream(self.chat)
            stream.add_event_handler("message", lambda _: self.state.bell.set())
            try:
                await stream.last_for(self.exchange(stream))
                print("chat: the connection ended", file=sys.stderr)
            except (XMPPError, TimeoutError) as exc:
                print(f"chat: {exc!r}", file=sys.stderr)
            self.chat_failures += 1
            longest_s = CHAT_BACKOFF.longest(self.chat_failures)
            await asyncio.sleep(random.random() * longest_s)  # noqa: S311 - no secret

    async def exchange(self, stream: "Stream") -> None:
        """Read what was said, and say what there is to say, whenever the bell rings."""
        await stream.wait_until("session_start")
        stream.send_presence()
        while True:
            self.state.bell.clear()
            await self.catch_up(stream)
            if unshown := self.state.items("unshown"):
                for ident, text, _ in unshown:
                    made = stream.make_message(stream.person, text, mtype="chat")
                    made["id"] = made["thread"] = ident
                    made.send()
                # Stanzas are dealt with in order: what was taken is in the archive by now.
                await self.catch_up(stream)
                if {*unshown} & {*self.state.items("unshown")}:
                    raise ChatError("chat: the server's archive does not keep what we say")
            self.chat_failures = 0
            with contextlib.suppress(TimeoutError):  # the line may be half open
                async with asyncio.timeout(300):
                    await self.state.bell.wait()

    async def catch_up(self, stream: "Stream") -> None:
        """Read the archive from the cursor to its end: what we said, and the person."""
        if (cursor := self.state.cursor("chat")) is None:
            # Kept though nothing was said yet: who is away for a day must not begin later.
            since = datetime.now(UTC) - timedelta(minutes=5)
            cursor = {"since": since.isoformat(), "after": ""}
            self.state.store_cursor("chat", cursor)
        while page := await stream.archive(**cursor):
            for result in page:
                said = result["forwarded"]["stanza"]
                if said["from"].bare == stream.boundjid.bare:
                    self.state.mark(said["id"], "shown", was="unshown")
                elif said["body"]:
                    to = said["reply"]["id"] or said["thread"]
                    if answer := self.state.take_answer(result["id"], to, said["body"]):
                        self.tasks.create_task(self.send(*answer))
            cursor = {**cursor, "after": page[-1]["id"]}
            self.state.store_cursor("chat", cursor)


class ChatError(Exception):
    """Somebody must act: the chat server refuses us, or is not the one that it should be."""


class Stream(slixmpp.ClientXMPP):
    """One connection to the chat. What waits in it goes with it: nothing of it can leave later."""

    sender: asyncio.Task[None] | None = None

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings["jid"], os.environ["CHAT_PASSWORD"])
        for plugin in ("xep_0199", "xep_0313", "xep_0461"):
            self.register_plugin(plugin)
        self.settings, self.person = settings, slixmpp.JID(settings["person"])

    async def last_for(self, work: Coroutine[Any, Any, None]) -> None:
        """Connect, and `work` until one of the two ends. Raises: ChatError; what `work` raises."""
        task, whose, why = asyncio.ensure_future(work), self.boundjid, list[str]()

        def end(*reason: str) -> None:
            why.extend(reason)
            # It may be told shortly after the end why it ended.
            asyncio.get_running_loop().call_later(0.1, task.cancel)

        on = self.add_event_handler
        on("disconnected", lambda _: end())
        on("failed_auth", lambda said: end(f"{whose.bare} cannot log in: {said['condition']}"))
        on("ssl_invalid_chain", lambda said: end(f"the certificate of {whose.domain}: {said}"))
        self.connect(self.settings.get("host"), self.settings.get("port"))
        try:
            await asyncio.wait([task])
        finally:
            self.cancel_connection_attempt()
            # Python 3.11.2 has no more of a TLS transport that was closed twice.
            with contextlib.suppress(AttributeError):
                self.abort()
            running = [each for each in (task, self.sender) if each]
            for each in running:
                each.cancel()
            await asyncio.wait(running)
        if why and "temporary-auth-failure" not in why[0]:
            raise ChatError(f"chat: {why[0]}")
        if not task.cancelled():
            await task

    async def run_filters(self) -> None:
        # It runs for ever, and keeps the stream in memory.
        self.sender = asyncio.current_task()
        await super().run_filters()

    async def archive(self, since: str, after: str) -> list[Any]:
        """Return a page behind `after`, or of all that is left where that is gone, it is so old."""
        page: dict[str, Any] = {"max": 50} | ({"after": after} if after else {})
        ask = partial(self.plugin["xep_0313"].retrieve, with_jid=self.person, timeout=10)
        try:
            told = await ask(start=datetime.fromisoformat(since), rsm=page)
        except XMPPError as exc:
            if exc.condition != "item-not-found" or not after:
                raise
            return await self.archive(since, "")
        return [each["mam_result"] for each in told["mam"]["results"]]


def account_of(mail: dict[str, Any]) -> securemail.Account:
    """Return the account that the settings describe, with TLS from the first byte."""
    addresses = mail.get("addresses", ())
    at = partial(Endpoint, mail["host"], tls=TLSMode.IMPLICIT, addresses=addresses)
    user = mail.get("user", mail["address"])
    return securemail.Account(
        mail["address"],
        imap=at(mail.get("imap", 993)),
        submission=at(mail.get("submission", 465)),
        credentials=securemail.Password(user, os.environ["MAIL_PASSWORD"]),
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
