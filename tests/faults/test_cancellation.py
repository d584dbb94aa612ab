"""Cancelled at each await: the caller hears of it, the session is closed, and nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from securemail import Endpoint, Phase, SecureSession, TLSMode
from securemail.aio import contexts
from securemail.testing import FaultProxy, MailServer
from tests.faults.clock import JumpingLoop, run
from tests.faults.scenes import LIMITS, SCENES, USERS, Scene
from tests.faults.stepping import CancelledAt, When
from tests.faults.sweep import about_octets, open_files
from tests.faults.uses import COMMANDS, fill

# Returns a session to work on, or None where the work is to make one.
Prepare = Callable[[Endpoint], Awaitable[SecureSession | None]]
Work = Callable[[Endpoint, SecureSession | None], Coroutine[Any, Any, Any]]

WHEN = pytest.mark.parametrize("when", When, ids=lambda when: when.name)
# What a session does is the same whatever logged it in.
PLAIN_SCENES = [scene for scene in SCENES if scene.login == "PLAIN"]
UPGRADED = [scene for scene in PLAIN_SCENES if scene.tls is TLSMode.STARTTLS]
# The login that waits in the most places; the others are left to the long run.
EACH_SCENE = [
    scene
    if scene.login == "SCRAM-SHA-256"
    else pytest.param(scene, marks=pytest.mark.full, id=str(scene))
    for scene in SCENES
]
EACH_COMMAND = [
    pytest.param(scene, name, id=f"{scene}-{name}")
    for scene in PLAIN_SCENES
    if scene.tls is TLSMode.IMPLICIT
    for name in COMMANDS[scene.service]
]


def _cancel_at_each(scene: Scene, prepare: Prepare, work: Work, when: When) -> int:
    """Return how often the work has waited: it was cancelled at each of these places."""

    async def all_places() -> int:
        async with scene.server() as server:
            fill(server)
            number = 1
            while await _was_cancelled(server, scene, prepare, work, (number, when)):
                number += 1
            return number - 1

    return run(all_places(), loop=JumpingLoop)


async def _was_cancelled(
    server: MailServer, scene: Scene, prepare: Prepare, work: Work, place: tuple[int, When]
) -> bool:
    before = open_files()
    async with FaultProxy(server.endpoint(scene.tls, scene.service)) as proxy:
        session = await prepare(proxy.endpoint)
        steps = CancelledAt(work(proxy.endpoint, session), *place)
        task = asyncio.ensure_future(_result(steps))
        await asyncio.wait([task])
        if not task.cancelled():
            session = session or task.result()
            assert steps.waits < place[0], f"lost the cancellation {place}: {task}"
        if session is not None:
            await _end(session, was_cancelled=task.cancelled())
        # Both ends have closed their sockets: whoever left one open waits here for ever.
        await proxy.wait_quiet()
    await server.wait_quiet()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert open_files() == before
    for relayed in proxy.connections:
        assert list(about_octets(relayed, scene.service)) == []
    return task.cancelled()


async def _result(steps: CancelledAt) -> Any:
    return await steps


async def _end(session: SecureSession, *, was_cancelled: bool) -> None:
    if session.phase is Phase.AUTHENTICATED:
        # Nothing was sent, or its answer is here already: the next answer is not another's.
        await session.client.noop()
    elif was_cancelled:
        assert session.phase is Phase.CLOSED
    await session.aclose()


async def _nothing(endpoint: Endpoint) -> None:
    """Leave everything to the work."""


@WHEN
@pytest.mark.parametrize("scene", EACH_SCENE, ids=str)
def test_connect_can_be_cancelled_at_each_await(scene: Scene, when: When) -> None:
    def work(endpoint: Endpoint, session: SecureSession | None) -> Coroutine[Any, Any, Any]:
        return scene.connect(endpoint, USERS[0])

    assert _cancel_at_each(scene, _nothing, work, when) >= 4


@WHEN
@pytest.mark.parametrize("scene", PLAIN_SCENES, ids=str)
def test_a_login_can_be_cancelled_at_each_await(scene: Scene, when: When) -> None:
    async def prepare(endpoint: Endpoint) -> SecureSession:
        account = scene.account(endpoint, USERS[0])
        return await SecureSession.open(account, scene.service, timeouts=LIMITS)

    async def work(endpoint: Endpoint, session: SecureSession | None) -> None:
        assert session is not None
        if scene.tls is TLSMode.STARTTLS:
            await session.starttls()
        await session.authenticate()

    assert _cancel_at_each(scene, prepare, work, when) >= 1


@WHEN
@pytest.mark.parametrize("scene", UPGRADED, ids=str)
def test_an_upgrade_can_be_cancelled_while_its_context_is_built(scene: Scene, when: When) -> None:
    """Nothing was said then; and a session that failed is closed."""

    async def prepare(endpoint: Endpoint) -> SecureSession:
        contexts._built.clear()
        account = scene.account(endpoint, USERS[0])
        return await SecureSession.open(account, scene.service, timeouts=LIMITS)

    async def work(endpoint: Endpoint, session: SecureSession | None) -> None:
        assert session is not None
        await session.starttls()

    assert _cancel_at_each(scene, prepare, work, when) >= 2


@WHEN
@pytest.mark.parametrize(("scene", "name"), EACH_COMMAND)
def test_a_command_can_be_cancelled_at_each_await(scene: Scene, name: str, when: When) -> None:
    async def prepare(endpoint: Endpoint) -> SecureSession:
        session = await scene.connect(endpoint, USERS[0])
        if "FETCH" in COMMANDS[scene.service]:
            await session.client.select("INBOX")
        return session

    async def work(endpoint: Endpoint, session: SecureSession | None) -> None:
        assert session is not None
        await COMMANDS[scene.service][name](session.client)

    assert _cancel_at_each(scene, prepare, work, when) >= 1


@WHEN
@pytest.mark.parametrize("scene", PLAIN_SCENES, ids=str)
def test_closing_can_be_cancelled_at_each_await(scene: Scene, when: When) -> None:
    async def prepare(endpoint: Endpoint) -> SecureSession:
        return await scene.connect(endpoint, USERS[0])

    async def work(endpoint: Endpoint, session: SecureSession | None) -> None:
        assert session is not None
        await session.aclose()

    assert _cancel_at_each(scene, prepare, work, when) >= 1
