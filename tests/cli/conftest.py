"""A mail server and a signed DNS on a thread of their own: the command has its own event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import keyring
import keyring.backend
import keyring.backends.fail
import pytest
from typer.testing import CliRunner, Result

from securemail.cli.app import app
from securemail.cli.codes import Exit
from securemail.testing import MailServer, NameServer, mail_zone

USERS = dict.fromkeys(("alice", "bob", "carol", "dave", "erin", "frank"), "secret")
T = TypeVar("T")
Run = Callable[..., Result]


@dataclass(frozen=True, slots=True)
class World:
    """Where the servers are, and the options that lead the command to them."""

    server: MailServer
    dns: tuple[str, ...]
    ca: tuple[str, ...]
    loop: asyncio.AbstractEventLoop
    dns_without_dane: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        return (*self.dns, *self.ca)

    def do(self, action: Callable[[], T]) -> T:
        """Return what `action` returns on the thread of the servers, whose state it may change."""

        async def act() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self.loop).result(10)

    def deliver(self, user: str, *texts: str) -> None:
        """Deliver messages with these subjects."""
        for text in texts:
            message = f"Subject: {text}\r\n\r\nHello {user}.\r\nFrom here on.\r\n".encode()
            self.do(partial(self.server.store.deliver, user, message))


class InMemory(keyring.backend.KeyringBackend):
    """A keyring that is as good as a desktop's."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no types here
        self.kept: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[username]


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
    """Alice's mail at example.org."""
    with mail_world(tmp_path_factory.mktemp("cli")) as made:
        yield made


@contextmanager
def mail_world(folder: Path) -> Iterator[World]:
    """Yield mail at example.org: signed records, DANE, a private authority."""

    async def make() -> AsyncIterator[World]:
        async with (
            MailServer(USERS) as server,
            NameServer(mail_zone(server)) as names,
            NameServer(mail_zone(server, has_dane=False)) as bare,
        ):
            ca = folder / "ca.pem"
            ca.write_bytes(server.ca.pem)
            loop = asyncio.get_running_loop()
            dns, no_dane = _options(names, folder / "dane"), _options(bare, folder / "none")
            yield World(server, dns, ("--ca", str(ca)), loop, no_dane)

    with in_thread(make) as made:
        yield made


def _options(names: NameServer, anchor: Path) -> tuple[str, ...]:
    anchor.write_text(names.anchor)
    host, port = names.address
    return ("--dns", f"{host}:{port}", "--dns-anchor", str(anchor))


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """Whatever keyrings this computer has, and other tests have made: none that is safe."""
    before = keyring.get_keyring()
    unsafe: keyring.backend.KeyringBackend = keyring.backends.fail.Keyring()  # type: ignore[no-untyped-call]  # keyring has no types here
    keyring.set_keyring(unsafe)
    yield
    keyring.set_keyring(before)


@pytest.fixture
def own_keyring(no_keyring: None) -> InMemory:
    """A keyring that is safe, and this test's."""
    mine = InMemory()
    keyring.set_keyring(mine)
    return mine


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_keyring: None) -> Run:
    """Run the command as at a terminal of 100 columns, without colour, with accounts of its own."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SECUREMAIL_STORE", str(tmp_path / "accounts.db"))
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("PASSWORD", "TOKEN", "KEY", "KEY_PASSPHRASE"):
        monkeypatch.delenv(f"SECUREMAIL_{name}", raising=False)

    def command(*arguments: str, stdin: str | None = None, **variables: str) -> Result:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return command


@pytest.fixture
def added(run: Run, world: World) -> Callable[[str], None]:
    """Keep the account of a user, whose password is in the environment from then on."""

    def add(user: str) -> None:
        address = f"{user}@example.org"
        options = ("--username", user, "--untested", *world.options)
        done = run("account", "add", address, *options, SECUREMAIL_PASSWORD="secret")
        assert done.exit_code == Exit.OK, done.output

    return add
