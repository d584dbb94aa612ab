"""The guards of conftest.py bite: each of these small test runs must end as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")

LEAVES_A_TASK = """
import asyncio
async def test_it():
    asyncio.get_running_loop().kept = asyncio.ensure_future(asyncio.sleep(60))
"""
LEAVES_A_DESCRIPTOR = """
import os
def test_it():
    os.pipe()
"""
LEAVES_A_SOCKET_TO_THE_COLLECTOR = """
import socket
def test_it():
    socket.socket()
"""
LEAVES_NOTHING = """
import asyncio
async def test_it():
    await asyncio.create_task(asyncio.sleep(0))
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    server.close()
    await server.wait_closed()
"""
SKIPS = """
import pytest
def test_it():
    pytest.skip("not today")
"""


@pytest.fixture
def run(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyprojecttoml(
        f"""
        [tool.pytest.ini_options]
        asyncio_mode = "auto"
        asyncio_default_fixture_loop_scope = "function"
        filterwarnings = ["error"]
        pythonpath = ["{pytestconfig.rootpath}"]
        """
    )
    return pytester


def _outcomes(run: pytest.Pytester, source: str) -> tuple[dict[str, int], str]:
    run.makepyfile(source)
    result = run.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    return result.parseoutcomes(), result.stdout.str()


def test_a_forgotten_task_is_an_error(run: pytest.Pytester) -> None:
    outcomes, output = _outcomes(run, LEAVES_A_TASK)
    assert outcomes == {"passed": 1, "errors": 1}
    assert "tasks left: <Task pending" in output


def test_an_open_descriptor_is_an_error(run: pytest.Pytester) -> None:
    outcomes, output = _outcomes(run, LEAVES_A_DESCRIPTOR)
    assert outcomes == {"passed": 1, "errors": 1}
    assert "file descriptors left open: {" in output


def test_a_socket_that_only_the_collector_closes_is_a_failure(run: pytest.Pytester) -> None:
    outcomes, output = _outcomes(run, LEAVES_A_SOCKET_TO_THE_COLLECTOR)
    assert outcomes == {"failed": 1}
    assert "ResourceWarning: unclosed <socket" in output


def test_what_is_closed_and_awaited_is_fine(run: pytest.Pytester) -> None:
    assert _outcomes(run, LEAVES_NOTHING)[0] == {"passed": 1}


@pytest.mark.parametrize(("no_skip", "outcome"), [("0", "skipped"), ("1", "failed")])
def test_a_skip_fails_only_where_skipping_is_forbidden(
    run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, no_skip: str, outcome: str
) -> None:
    monkeypatch.setenv("SECUREMAIL_NO_SKIP", no_skip)
    assert _outcomes(run, SKIPS)[0] == {outcome: 1}
