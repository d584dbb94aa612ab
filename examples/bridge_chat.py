"""The chat of the bridge: its archive is the truth, and everything else a bell (XEP-0313)."""

import asyncio
import contextlib
import random
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import XMPPError

from bridge_state import Said, State
from securemail import Backoff

PAGE = 50
BACKOFF = Backoff(ceiling=60)


class ChatError(Exception):
    """Somebody must act: the chat server refuses us, or is not the one that it should be."""


class Stream(ClientXMPP):
    """One connection. What waits in it is gone with it, so that nothing of it can leave later."""

    sender: asyncio.Task[None] | None = None

    async def run_filters(self) -> None:
        # It runs for ever, and keeps the stream in memory.
        self.sender = asyncio.current_task()
        await super().run_filters()

    async def end(self) -> None:
        self.cancel_connection_attempt()
        # Python 3.11.2 has no more of a TLS transport that was closed twice, and abort() wants it.
        with contextlib.suppress(AttributeError):
            self.abort()
        if self.sender:
            self.sender.cancel()
            await asyncio.wait([self.sender])


class Chat:
    """Shows what the state has to show, and gives it what the person answers."""

    def __init__(
        self,
        settings: dict[str, Any],
        password: str,
        state: State,
        on_answers: Callable[[], None],
    ) -> None:
        self.settings, self.password, self.state = settings, password, state
        self.on_answers = on_answers
        self.person = JID(settings["person"])
        self.bell = asyncio.Event()
        self.failures = 0

    async def run(self) -> None:
        """Talk on one stream after another. Raises: ChatError."""
        while True:
            context = ssl.create_default_context(cafile=self.settings.get("ca_file"))
            stream = Stream(self.settings["jid"], self.password, ssl_context=context)
            try:
                await self.talk(stream)
                print("chat: the connection ended", file=sys.stderr)
            except XMPPError as exc:
                print(f"chat: {exc}", file=sys.stderr)
            finally:
                await stream.end()
            self.failures += 1
            await asyncio.sleep(random.random() * BACKOFF.longest(self.failures))  # noqa: S311 - no secret

    async def talk(self, stream: Stream) -> None:
        """Exchange messages until the stream ends. Raises: ChatError, XMPPError."""
        started, over = asyncio.Event(), asyncio.get_running_loop().create_future()

        def end(error: Exception | None = None) -> None:
            if not over.done():
                over.set_exception(error) if error else over.set_result(None)

        def refused(reply: Any) -> None:
            condition = reply["condition"]
            if condition != "temporary-auth-failure":
                end(ChatError(f"chat: {stream.boundjid.bare} cannot log in: {condition}"))

        def untrusted(error: Any) -> None:
            end(ChatError(f"chat: the certificate of {stream.boundjid.domain}: {error}"))

        for plugin in ("xep_0199", "xep_0313", "xep_0461"):
            stream.register_plugin(plugin)
        stream.add_event_handler("failed_auth", refused)
        stream.add_event_handler("ssl_invalid_chain", untrusted)
        # Why it ended is told shortly after that it did.
        soon = partial(asyncio.get_running_loop().call_later, 0.1, end)
        for name in ("disconnected", "failed_all_auth", "stream_error"):
            stream.add_event_handler(name, lambda _: soon())
        stream.add_event_handler("session_start", lambda _: started.set())
        stream.add_event_handler("message", lambda _: self.bell.set())
        stream.connect(self.settings.get("host"), self.settings.get("port"))
        exchange = asyncio.create_task(self.exchange(stream, started))
        try:
            await asyncio.wait([exchange, over], return_when=asyncio.FIRST_COMPLETED)
            await (over if over.done() else exchange)
        finally:
            exchange.cancel()
            await asyncio.gather(exchange, return_exceptions=True)

    async def exchange(self, stream: Stream, started: asyncio.Event) -> None:
        await started.wait()
        stream.send_presence()
        while True:
            self.bell.clear()
            await self.catch_up(stream)
            if unshown := self.state.unshown():
                for ident, body in unshown:
                    made = stream.make_message(self.person, body, mtype="chat")
                    made["id"] = made["thread"] = ident
                    made.send()
                # Stanzas are dealt with in order: what was taken is in the archive by now.
                await self.catch_up(stream)
                if {*unshown} & {*self.state.unshown()}:
                    raise ChatError("chat: the server's archive does not keep what we say")
            self.failures = 0
            await self.bell.wait()

    async def catch_up(self, stream: Stream) -> None:
        """Read the archive from the cursor to its end: what we said, and the person."""
        soon = datetime.now(UTC) - timedelta(minutes=5)
        cursor = self.state.cursor("chat") or {"since": soon.isoformat(), "after": ""}
        while True:
            after = cursor["after"]
            try:
                page = await stream.plugin["xep_0313"].retrieve(
                    with_jid=self.person,
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
            self.on_answers()
            if len(said) < PAGE:
                return

    def said(self, stream: Stream, result: Any) -> Said:
        told = result["forwarded"]["stanza"]
        is_ours = told["from"].bare == stream.boundjid.bare
        answers = told["reply"]["id"] or told["thread"]
        return Said(result["id"], told["id"], is_ours, told["body"], answers)
