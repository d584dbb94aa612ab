# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import logging

import pytest

from securemail.errors import SecureMailError
from tests.transports.imap_line import Line, settle

CANARY = "c4nary"


async def test_logs_hold_no_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    line = Line(early=f"* OK {CANARY}\r\n".encode())
    line.protocol.state = "SELECTED"
    said = CANARY.encode()
    calls = [
        line.client.select(CANARY),
        line.client.search("SUBJECT", CANARY),
        line.client.append(said, CANARY),
        line.client.id(name=CANARY),
        line.client.idle(),
    ]
    for number, call in enumerate(calls):
        task = asyncio.ensure_future(call)
        await settle()
        if number in (2, 4):
            line.receive(b"+ " + said + b"\r\n")
        line.receive(b"* 1 FETCH (X {6}\r\n" + said + b")\r\n* LIST " + said + b"\r\n")
        line.client.idle_done()
        line.receive(b"A%d OK " % number + said + b"\r\n")
        await task
    line.receive(b"* BYE " + said + b"\r\n")
    line.receive(said + b"\r\n")
    line.drop(SecureMailError(CANARY))
    assert "SELECT" in caplog.text
    assert "bytes sent" in caplog.text
    assert "session is over" in caplog.text
    assert CANARY not in caplog.text


async def test_the_repr_of_a_pending_command_holds_no_content() -> None:
    line = Line()
    task = asyncio.ensure_future(line.client.append(CANARY.encode(), CANARY))
    await settle()
    line.receive(f"* 1 FETCH (X {CANARY})\r\n".encode())
    assert "APPEND" in repr(line.protocol.pending_sync_command)
    assert CANARY not in repr(line.protocol.pending_sync_command)
    line.drop()
    with pytest.raises(SecureMailError):
        await task
