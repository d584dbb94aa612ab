"""Compressed IMAP (RFC 4978) and ID (RFC 2971) with a real Dovecot."""

from __future__ import annotations

import os

import pytest

from securemail import Event, TLSMode, connect_imap
from securemail.events import SessionClosed
from tests.servers.dovecot import DovecotWorld
from tests.servers.test_imap_on_dovecot import account

pytestmark = pytest.mark.dovecot

TEXT = b"Subject: compressed\r\n\r\n" + b"Much the same in every line, as text is.\r\n" * 20_000
NOISE = b"Subject: noise\r\n\r\n" + os.urandom(300_000).hex().encode() + b"\r\n"


async def read_back(world: DovecotWorld, message: bytes, *, compress: bool) -> int:
    """Append a message, read it, delete it; return the bytes that came in meanwhile."""
    events: list[Event] = []
    alices = account(world, TLSMode.IMPLICIT)
    async with connect_imap(alices, compress=compress, observer=events.append) as session:
        client = session.client
        assert (await client.create("Compressed")).result in {"OK", "NO"}
        assert (await client.append(message, mailbox="Compressed")).result == "OK"
        await client.select("Compressed")
        answer = await client.fetch("1", "BODY.PEEK[]")
        assert bytes(answer.lines[1]) == message
        await client.idle_start(30)
        client.idle_done()
        await client.store("1", "+FLAGS", r"\Deleted")
        await client.expunge()
        await client.close()
        await client.delete("Compressed")
    (end,) = [event for event in events if isinstance(event, SessionClosed)]
    return end.traffic.received


@pytest.mark.parametrize("message", [TEXT, NOISE])
async def test_a_message_comes_back_as_it_went_and_takes_less_on_the_wire(
    dovecot_world: DovecotWorld, message: bytes
) -> None:
    plain = await read_back(dovecot_world, message, compress=False)
    small = await read_back(dovecot_world, message, compress=True)
    assert small < plain * 0.7


async def test_dovecot_answers_to_id(dovecot_world: DovecotWorld) -> None:
    async with connect_imap(account(dovecot_world, TLSMode.IMPLICIT)) as session:
        answer = await session.client.id(name="bridge", version="1")
        assert answer.result == "OK"
        assert b"Dovecot" in answer.lines[0]
