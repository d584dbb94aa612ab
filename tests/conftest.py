"""What holds for every test: nothing is left behind, and where it matters nothing is skipped."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import uvloop

pytest_plugins = ["tests.servers.fixtures"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With SECUREMAIL_NO_SKIP=1, as in CI, a skipped test is a failed one."""
    report = yield
    is_expected_failure = hasattr(report, "wasxfail")
    if os.environ.get("SECUREMAIL_NO_SKIP") == "1" and report.skipped and not is_expected_failure:
        report.outcome = "failed"
        report.longrepr = f"skipping is forbidden here: {report.longreprtext}"
    return report


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Have tests' commands hear Ctrl-C: a shell ignores it for what it runs in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def signal_pipe() -> None:
    """Let libuv make the pipe that it keeps as long as the process lives, before we count."""
    uvloop.run(asyncio.sleep(0))


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a file descriptor, or a task on its event loop."""
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("no_task_left")
    before = _open_files()
    failed_before = request.session.testsfailed
    yield
    # The traceback of a failed test holds its frames, and they hold its sockets.
    if request.session.testsfailed == failed_before and len(_open_files()) > len(before):
        gc.collect()
        leaked = {fd: name for fd, name in _open_files().items() if before.get(fd) != name}
        if len(_open_files()) > len(before):
            pytest.fail(f"file descriptors left open: {leaked}", pytrace=False)


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail a test at whose end another task than its own is pending."""
    yield
    # One turn, for the tasks whose end is already decided.
    await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        pytest.fail("tasks left: " + ", ".join(sorted(map(repr, tasks))), pytrace=False)


def _open_files() -> dict[str, str]:
    """Return what each of our file descriptors is open on."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except FileNotFoundError:  # the descriptor that this listing itself was read from
            continue
    return found
