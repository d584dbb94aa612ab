"""A mail server and a signed DNS on a thread of their own: the command has its own event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from securemail.cli.app import app
from securemail.testing import MailServer, NameServer, mail_zone


@dataclass(frozen=True, slots=True)
class World:
    """Where the servers are, and the options that lead the command to them."""

    server: MailServer
    dns: tuple[str, ...]
    ca: tuple[str, ...]

    @property
    def options(self) -> tuple[str, ...]:
        return (*self.dns, *self.ca)


Run = Callable[..., Result]


@contextmanager
def in_thread(make: Callable[[], AsyncIterator[World]]) -> Iterator[World]:
    """Yield what an asynchronous context manager gives, kept up by a loop on another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    manager = asynccontextmanager(make)()
    try:
        yield asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(10)
    finally:
        leave = manager.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leave, loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Alice's mail at example.org: signed records, DANE, a private authority."""
    folder = tmp_path_factory.mktemp("cli")

    async def make() -> AsyncIterator[World]:
        async with (
            MailServer({"alice": "secret"}) as server,
            NameServer(mail_zone(server)) as names,
        ):
            yield _world(server, names, folder)

    with in_thread(make) as made:
        yield made


def _world(server: MailServer, names: NameServer, folder: Path) -> World:
    anchor, ca = folder / "anchor", folder / "ca.pem"
    anchor.write_text(names.anchor)
    ca.write_bytes(server.ca.pem)
    host, port = names.address
    dns = ("--dns", f"{host}:{port}", "--dns-anchor", str(anchor))
    return World(server, dns, ("--ca", str(ca)))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command as at a terminal of 100 columns, without colour."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("SECUREMAIL_PASSWORD", raising=False)

    def command(*arguments: str, **options: str) -> Result:
        for name, value in options.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(app, list(arguments))

    return command
