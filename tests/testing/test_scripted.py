"""ScriptedServer in cleartext: each step does what it says, as a raw socket client sees it."""

from __future__ import annotations

import asyncio

import pytest

from securemail.testing.scripted import ScriptedServer
from securemail.testing.steps import (
    Await,
    AwaitHello,
    Close,
    Expect,
    Hang,
    Repeat,
    Reset,
    Send,
    SendRaw,
    SendSegments,
    SendSlowly,
    StartTLS,
    Step,
)
from tests.testing.clients import Connect


async def test_send_puts_all_its_octets_in_one_segment(connect: Connect) -> None:
    async with ScriptedServer([Send(b"* OK\r\n* BYE\r\nrest")]) as server:
        client = await connect(server)
        assert await client.recv() == b"* OK\r\n* BYE\r\nrest"


async def test_send_slowly_puts_each_octet_in_its_own_segment(
    connect: Connect,
) -> None:
    async with ScriptedServer([SendSlowly(b"* OK\r\n")]) as server:
        client = await connect(server)
        seen = [await client.recv() for _ in range(6)]
        assert seen == [b"*", b" ", b"O", b"K", b"\r", b"\n"]


async def test_send_segments_keeps_the_parts_apart(connect: Connect) -> None:
    async with ScriptedServer([SendSegments((b"* OK\r", b"\n"))]) as server:
        client = await connect(server)
        assert [await client.recv(), await client.recv()] == [b"* OK\r", b"\n"]


async def test_the_tag_of_the_expected_line_is_put_into_what_follows(
    connect: Connect,
) -> None:
    script: list[Step] = [Expect(rb"\S+ CAPABILITY"), Send(b"{tag} OK\r\n")]
    async with ScriptedServer(script) as server:
        client = await connect(server)
        await client.send(b"a7 CAPABILITY\r\n")
        assert await client.recv() == b"a7 OK\r\n"
        await client.leave()
        assert server.problem is None
        assert server.cleartext == b"a7 CAPABILITY\r\n"


async def test_a_line_that_does_not_match_is_the_problem_and_ends_the_connection(
    connect: Connect,
) -> None:
    async with ScriptedServer([Expect(rb"\S+ STARTTLS"), Hang()]) as server:
        client = await connect(server)
        await client.send(b"a1 LOGIN alice secret\r\n")
        assert await client.recv() == b""
        await client.leave()
        assert server.problem == r"expected b'\\S+ STARTTLS', got b'a1 LOGIN alice secret'"
        assert server.cleartext == b"a1 LOGIN alice secret\r\n"


async def test_await_answers_what_comes_before_the_line_it_waits_for(connect: Connect) -> None:
    answers = ((rb"\S+ CAPABILITY", b"* CAPABILITY\r\n{tag} OK\r\n"), (rb".*", b"{tag} BAD\r\n"))
    script: list[Step] = [Await(rb"\S+ STARTTLS", answers), Send(b"{tag} OK begin\r\n")]
    async with ScriptedServer(script) as server:
        client = await connect(server)
        for line, answer in {
            b"a1 CAPABILITY\r\n": b"* CAPABILITY\r\na1 OK\r\n",
            b"a2 NOOP\r\n": b"a2 BAD\r\n",
            b"a3 STARTTLS\r\n": b"a3 OK begin\r\n",
        }.items():
            await client.send(line)
            assert await client.recv() == answer
        await client.leave()
        assert server.problem is None


async def test_await_without_an_answer_to_a_line_says_so_and_ends(connect: Connect) -> None:
    async with ScriptedServer([Await(rb"STLS", ((rb"CAPA", b"+OK\r\n"),))]) as server:
        client = await connect(server)
        await client.send(b"USER alice\r\n")
        assert await client.recv() == b""
        await client.leave()
        assert server.problem == "expected b'STLS', got b'USER alice'"


async def test_await_hello_waits_for_tls_and_nothing_else(connect: Connect) -> None:
    script: list[Step] = [AwaitHello(), SendRaw(b"no TLS")]
    for said, answer in ((b"\x16\x03\x01\0\x05", b"no TLS"), (b"STARTTLS\r\n", b"")):
        async with ScriptedServer(script) as server:
            client = await connect(server)
            await client.send(said)
            assert await client.recv() == answer
            await client.leave()
            assert (server.problem is None) == bool(answer)


async def test_a_pattern_must_match_the_whole_line(connect: Connect) -> None:
    async with ScriptedServer([Expect(rb"a STARTTLS")]) as server:
        client = await connect(server)
        await client.send(b"a STARTTLS now\r\n")
        await client.recv()
        await client.leave()
        assert "got b'a STARTTLS now'" in (server.problem or "")


async def test_a_line_without_cr_is_the_problem(connect: Connect) -> None:
    async with ScriptedServer([Expect(rb"a NOOP")]) as server:
        client = await connect(server)
        await client.send(b"a NOOP\n")
        await client.recv()
        await client.leave()
        assert "a line without CR" in (server.problem or "")


async def test_a_client_that_leaves_an_expect_is_the_problem(
    connect: Connect,
) -> None:
    async with ScriptedServer([Expect(rb"a NOOP")]) as server:
        client = await connect(server)
        await client.send(b"a NO")
        await client.leave()
        assert server.problem == "expected b'a NOOP': the client left after b'a NO'"


async def test_a_flood_waits_for_the_client_and_ends_when_it_leaves(
    connect: Connect,
) -> None:
    line = b"* 1 EXISTS\r\n"
    async with ScriptedServer([Repeat(line, 10_000_000)]) as server:
        client = await connect(server)
        await client.send(b"a NOOP\r\n")
        assert (await client.recv()).startswith(line)
        await client.leave()
        assert server.problem is None
        assert server.cleartext == b"a NOOP\r\n"


async def test_a_flood_sends_exactly_as_often_as_it_says() -> None:
    async with ScriptedServer([Repeat(b"* 1 EXISTS\r\n", 20_001)]) as server:
        reader, writer = await asyncio.open_connection(server.address, server.port)
        assert await reader.read() == b"* 1 EXISTS\r\n" * 20_001
        writer.close()
        await writer.wait_closed()


async def test_close_in_cleartext_is_a_fin(connect: Connect) -> None:
    async with ScriptedServer([Send(b"* BYE\r\n"), Close()]) as server:
        client = await connect(server)
        assert [await client.recv(), await client.recv()] == [b"* BYE\r\n", b""]


async def test_reset_is_an_rst_that_keeps_what_had_arrived(connect: Connect) -> None:
    async with ScriptedServer([Expect(b"a NOOP"), Reset()]) as server:
        client = await connect(server)
        await client.send(b"a NOOP\r\nb LOGIN")
        with pytest.raises(ConnectionResetError):
            await client.recv()
        await client.leave()
        assert server.cleartext == b"a NOOP\r\nb LOGIN"


async def test_hang_says_nothing_and_records_until_the_client_leaves(
    connect: Connect,
) -> None:
    async with ScriptedServer([Send(b"* OK\r\n"), Hang()]) as server:
        client = await connect(server)
        await server.hanging.wait()
        await client.send(b"a1 CAPABILITY\r\n")
        assert not server.finished.is_set()
        await client.leave()
        assert server.cleartext == b"a1 CAPABILITY\r\n"
        assert server.transcripts[0].steps == 3


async def test_every_connection_plays_the_script_and_has_its_own_transcript(
    connect: Connect,
) -> None:
    async with ScriptedServer([Send(b"* OK\r\n"), Expect(rb".*"), Hang()]) as server:
        first = await connect(server)
        second = await connect(server)
        assert [await first.recv(), await second.recv()] == [b"* OK\r\n"] * 2
        await first.send(b"1\r\n")
        first.sock.close()
        await second.send(b"2\r\n")
        await second.leave()
        assert server.connections == 2
        assert [t.cleartext for t in server.transcripts] == [b"1\r\n", b"2\r\n"]
        assert server.cleartext == b"1\r\n2\r\n"


async def test_a_server_that_ends_ends_its_connections(connect: Connect) -> None:
    async with ScriptedServer([Hang()]) as server:
        client = await connect(server)
        await server.hanging.wait()
    assert await client.recv() == b""


async def test_a_pattern_that_is_none_is_the_problem_not_an_exception(
    connect: Connect,
) -> None:
    async with ScriptedServer([Expect(rb"(")]) as server:
        client = await connect(server)
        await client.send(b"a NOOP\r\n")
        assert await client.recv() == b""
        await client.leave()
        assert "missing )" in (server.problem or "")


def test_a_handshake_without_any_context_is_refused_when_the_script_is_made() -> None:
    with pytest.raises(ValueError, match="StartTLS needs a context"):
        ScriptedServer([StartTLS()])
