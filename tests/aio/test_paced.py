"""What comes on a connection waits for the next turn where this one is over, and stays in order."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest

from securemail.aio.buffer import receive_buffer
from securemail.aio.paced import Paced
from securemail.aio.transport import SecureTransport
from securemail.aio.turns import turns

ALL = ["data one", "eof", "lost None"]


class Recorder:
    """A transport, as far as it is told something."""

    def __init__(self, *, is_encrypted: bool = True) -> None:
        self.is_encrypted = is_encrypted
        self.told: list[str] = []
        self.error: Exception | None = None
        self.takes_s = 0.0

    def buffer_updated(self, nbytes: int) -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < self.takes_s:
            pass
        self.told.append(f"data {bytes(receive_buffer()[:nbytes]).decode()}")
        if self.error is not None:
            raise self.error

    def eof_received(self) -> bool:
        self.told.append("eof")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(f"lost {exc}")

    def abort(self) -> None:
        self.told.append("aborted")


class Raw(asyncio.Transport):
    """The loop's end of it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def paced(recorder: Recorder) -> Paced:
    return Paced(cast("SecureTransport", recorder))


def feed(protocol: Paced, data: bytes) -> None:
    protocol.get_buffer(-1)[: len(data)] = data
    protocol.buffer_updated(len(data))


def use_up_the_turn() -> None:
    turns().did(time.perf_counter() - 1)


async def test_within_a_turn_nothing_waits() -> None:
    recorder = Recorder()
    protocol = paced(recorder)
    feed(protocol, b"one")
    assert not protocol.eof_received()
    protocol.connection_lost(None)
    assert recorder.told == ALL


async def test_what_waits_is_passed_on_in_the_next_turn_and_in_order() -> None:
    recorder, raw = Recorder(), Raw()
    protocol = paced(recorder)
    protocol._raw = raw
    use_up_the_turn()
    feed(protocol, b"o")
    feed(protocol, b"ne")
    assert protocol.eof_received()  # the loop must not close it yet
    protocol.connection_lost(None)
    assert recorder.told == []
    await asyncio.sleep(0)
    assert recorder.told == ALL
    assert raw.is_closed


@pytest.mark.parametrize("step", range(3))
async def test_what_follows_something_that_waits_waits_behind_it(step: int) -> None:
    recorder = Recorder()
    protocol, other = paced(recorder), paced(Recorder())
    use_up_the_turn()
    for _ in range(step):
        feed(other, b"x")
    feed(protocol, b"one")
    turns()._is_scheduled = False  # as if there were time again
    protocol.eof_received()
    protocol.connection_lost(None)
    assert recorder.told == []
    turns()._next()
    assert recorder.told == ALL


@pytest.mark.parametrize(("held", "size"), [(0, 4097), (4096, 1), (4096, 65536), (4000, 65536)])
async def test_a_server_cannot_fill_memory_with_what_waits(held: int, size: int) -> None:
    recorder = Recorder()
    protocol = paced(recorder)
    use_up_the_turn()
    if held:
        feed(protocol, b"a" * held)
    assert recorder.told == []
    feed(protocol, b"b" * size)
    said = "".join(each.removeprefix("data ") for each in recorder.told)
    assert said == "a" * held + "b" * size
    await asyncio.sleep(0)
    assert "".join(each.removeprefix("data ") for each in recorder.told) == said


async def test_a_turn_takes_no_more_than_it_has_time_for() -> None:
    recorders = [Recorder() for _ in range(3)]
    protocols = [paced(each) for each in recorders]
    use_up_the_turn()
    for recorder, protocol in zip(recorders, protocols, strict=True):
        recorder.takes_s = 0.006
        feed(protocol, b"one")
    for done in range(4):
        assert [len(each.told) for each in recorders] == [1] * done + [0] * (3 - done)
        await asyncio.sleep(0)


async def test_before_tls_nothing_waits() -> None:
    recorder = Recorder(is_encrypted=False)
    protocol = paced(recorder)
    use_up_the_turn()
    feed(protocol, b"one")
    protocol.eof_received()
    protocol.connection_lost(None)
    assert recorder.told == ALL


async def test_a_protocol_that_raises_ends_its_own_connection_and_no_other() -> None:
    broken, sound = Recorder(), Recorder()
    broken.error = ValueError("a bug")
    ours, theirs = paced(broken), paced(sound)
    seen: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: seen.append(context["exception"]))
    use_up_the_turn()
    feed(ours, b"one")
    ours.connection_lost(None)
    feed(theirs, b"two")
    for _ in range(3):
        await asyncio.sleep(0)
    assert broken.told == ["data one", "aborted", "lost None"]
    assert sound.told == ["data two"]
    assert seen == [broken.error]
