"""The small examples, as somebody starts them, on the embedded server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from securemail import Service, TLSMode
from securemail.testing import MailServer

EXAMPLES = Path(__file__).parents[2] / "examples"
ALICE = "alice@example.org"
LIMIT_S = 60


@dataclass
class World:
    """A server that the examples trust, as they trust those of the operating system."""

    server: MailServer
    directory: Path

    def where(self, service: Service = Service.IMAP) -> str:
        return f"localhost:{self.server.endpoint(TLSMode.IMPLICIT, service).port}"

    async def start(self, example: str, *arguments: object) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", str(EXAMPLES / example), *map(str, arguments)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ
            | {"MAIL_PASSWORD": "secret", "SSL_CERT_FILE": str(self.directory / "ca.pem")},
        )

    async def run(self, example: str, *arguments: object) -> tuple[int | None, str, str]:
        process = await self.start(example, *arguments)
        async with asyncio.timeout(LIMIT_S):
            printed, complained = await process.communicate()
        return process.returncode, printed.decode(), complained.decode()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    users = {ALICE: "secret", "bob@example.org": "b"}
    async with MailServer(users, host_name="localhost") as server:
        (tmp_path / "ca.pem").write_bytes(server.ca.pem)
        yield World(server, tmp_path)


async def until(process: asyncio.subprocess.Process, words: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        while words not in (line := (await process.stdout.readline()).decode()):
            assert line, "it ended"


async def end(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.communicate()


async def test_the_watch_prints_what_comes_and_goes_on_where_it_was_left(world: World) -> None:
    arguments = (ALICE, world.where(), world.directory / "cursor")
    watching = await world.start("watch_and_print.py", *arguments)
    await until(watching, "Connected")
    world.server.store.deliver(ALICE, b"Subject: a\r\n\r\n")
    await until(watching, "new: 1;")
    await end(watching)
    world.server.store.deliver(ALICE, b"Subject: b\r\n\r\n")
    watching = await world.start("watch_and_print.py", *arguments)
    await until(watching, "new: ")
    await end(watching)


async def test_a_file_is_sent_and_its_outcome_is_said(world: World) -> None:
    file = world.directory / "picture.png"
    file.write_bytes(bytes(range(256)))
    where = world.where(Service.SUBMISSION)
    code, printed, _ = await world.run("send_attachment.py", ALICE, where, "bob@example.org", file)
    assert code == 0
    assert printed.startswith("bob@example.org accepted")
    (sent,) = world.server.submitted
    parsed = message_from_bytes(sent.data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    (attached,) = parsed.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("picture.png", "image/png")
    assert attached.get_content() == file.read_bytes()


async def test_a_certificate_logs_in_without_a_password(world: World) -> None:
    file = world.directory / "mine.pem"
    file.write_bytes(world.server.ca.client_pem(ALICE))
    code, printed, complained = await world.run("client_certificate.py", ALICE, world.where(), file)
    assert code == 0, complained
    assert "logged in by EXTERNAL" in printed
    assert "the certificate was shown" in printed


@pytest.mark.parametrize(
    ("example", "arguments", "words"),
    [
        ("watch_and_print.py", [ALICE, "localhost:abc", "cursor"], "'abc' is not the number"),
        ("send_attachment.py", [ALICE, "localhost", "bob@example.org", "/nowhere"], "/nowhere"),
        ("client_certificate.py", [ALICE, "localhost", "/nowhere.pem"], "/nowhere.pem"),
    ],
)
async def test_what_is_wrong_is_said_in_a_sentence(
    world: World, example: str, arguments: list[str], words: str
) -> None:
    code, printed, complained = await world.run(example, *arguments)
    assert (code, printed) == (1, "")
    assert words in complained
    assert "Traceback" not in complained


@pytest.mark.parametrize(
    ("example", "arguments"),
    [
        ("read_mail.py", []),
        ("watch_and_print.py", ["cursor"]),
        ("send_attachment.py", ["bob@example.org", "mine.pem"]),
        ("client_certificate.py", ["mine.pem"]),
    ],
)
async def test_ctrl_c_ends_an_example_without_a_traceback(
    world: World, example: str, arguments: list[str]
) -> None:
    mine = world.directory / "mine.pem"
    mine.write_bytes(world.server.ca.client_pem(ALICE))
    connected = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "localhost", 0)
    where = f"localhost:{server.sockets[0].getsockname()[1]}"
    files = [argument.replace("mine.pem", str(mine)) for argument in arguments]
    process = await world.start(example, ALICE, where, *files)
    async with asyncio.timeout(LIMIT_S):
        await connected.wait()
        process.send_signal(signal.SIGINT)
        printed, complained = await process.communicate()
    server.close()
    assert (process.returncode, printed) == (130, b"")
    assert b"Traceback" not in complained
