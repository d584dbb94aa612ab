"""The person at the other end of the bridge, and the bridge as a process that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slixmpp import JID, ClientXMPP

from tests.servers.postfix import PostfixWorld
from tests.servers.prosody import DOMAIN, PASSWORDS, ProsodyWorld

BRIDGE: Final = Path(__file__).parents[2] / "examples" / "bridge.py"
BRIDGE_JID: Final = f"bridge@{DOMAIN}"
PERSON_JID: Final = f"alice@{DOMAIN}"
LIMIT_S: Final = 30


@dataclass
class Person:
    """Alice, with a chat client that keeps an archive at the server."""

    stream: ClientXMPP
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def archive(self) -> list[tuple[str, str]]:
        """Return id and text of all that the bridge has said to her, as her server keeps it."""
        found: list[Any] = []
        after = ""
        while True:
            rsm = {"max": 50} | ({"after": after} if after else {})
            page = await self.stream.plugin["xep_0313"].retrieve(
                with_jid=JID(BRIDGE_JID), rsm=rsm, timeout=10
            )
            results = [each["mam_result"] for each in page["mam"]["results"]]
            found += [each["forwarded"]["stanza"] for each in results]
            if len(results) < 50:
                break
            after = results[-1]["id"]
        return [(each["id"], each["body"]) for each in found if each["from"].bare == BRIDGE_JID]

    async def until(self, done: Callable[[list[tuple[str, str]]], bool]) -> list[tuple[str, str]]:
        """Wait until the archive is as `done` wants it, and return it."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                self.bell.clear()
                if done(found := await self.archive()):
                    return found
                await self.bell.wait()

    def answer(self, ident: str, text: str) -> None:
        message = self.stream.make_message(JID(BRIDGE_JID), text, mtype="chat")
        message["reply"]["id"] = ident
        message["reply"]["to"] = BRIDGE_JID
        message.send()


@contextlib.asynccontextmanager
async def person(world: ProsodyWorld) -> AsyncIterator[Person]:
    """Log alice in, and out again."""
    context = ssl.create_default_context(cadata=world.ca_pem.decode())
    stream = ClientXMPP(PERSON_JID, PASSWORDS["alice"], ssl_context=context)
    for plugin in ("xep_0313", "xep_0461"):
        stream.register_plugin(plugin)
    alice, started = Person(stream), asyncio.Event()
    stream.add_event_handler("session_start", lambda _: started.set())
    stream.add_event_handler("message", lambda _: alice.bell.set())
    stream.connect(world.address, world.port)
    try:
        async with asyncio.timeout(LIMIT_S):
            await started.wait()
        stream.send_presence()
        yield alice
    finally:
        await stream.disconnect()
        filters = stream._run_out_filters
        assert filters is not None
        filters.cancel()
        await asyncio.gather(filters, return_exceptions=True)


@dataclass
class BridgeProcess:
    """The example, as somebody runs it."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, *, chat_password: str = PASSWORDS["bridge"]) -> None:
        with (self.directory / "bridge.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", BRIDGE, self.directory / "bridge.toml"],
                stderr=log,
                stdout=subprocess.PIPE,
                env={
                    **os.environ,
                    "MAIL_PASSWORD": "alice's wonderland",
                    "CHAT_PASSWORD": chat_password,
                    "SSL_CERT_FILE": str(self.directory / "ca.pem"),
                },
            )

    def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.communicate()

    def wait_until_it_ends(self) -> tuple[int, str]:
        """Return its exit code and what it has said at last."""
        process, self.process = self.process, None
        assert process is not None
        try:
            process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError(self.log()) from None
        return process.returncode, self.log().splitlines()[-1]

    def wait_until_it_watches(self) -> None:
        """Return when it has its first cursor: what came before is not its business."""
        assert self.process is not None
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"watching\n", self.log()

    def log(self) -> str:
        return (self.directory / "bridge.log").read_text()


@contextlib.contextmanager
def bridge(
    directory: Path, mail: PostfixWorld, chat: ProsodyWorld, **changed: Any
) -> Iterator[BridgeProcess]:
    """Write the settings, `changed` in those of the mail, and yield the bridge, not yet started."""
    (directory / "ca.pem").write_bytes(mail.dovecot.ca_pem + chat.ca_pem)
    settings: dict[str, dict[str, Any]] = {
        "mail": {
            "address": "alice@example.test",
            "user": "alice",
            "host": mail.host,
            "addresses": [mail.address],
            "imap": mail.dovecot.imaps_port,
            "submission": mail.submissions_port,
            **changed,
        },
        "chat": {
            "jid": f"{BRIDGE_JID}/bridge",
            "person": PERSON_JID,
            "host": chat.address,
            "port": chat.port,
        },
    }
    # Two seconds are long enough for a copy, and a person need not wait for a test.
    lines = [f"state = {json.dumps(str(directory / 'bridge.sqlite'))}", "patience_s = 2"]
    for name, table in settings.items():
        # Strings, numbers and lists of strings are written in TOML as in JSON.
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    (directory / "bridge.toml").write_text("\n".join(lines))
    running = BridgeProcess(directory)
    try:
        yield running
    finally:
        running.kill()
