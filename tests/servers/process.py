"""One server process with all its children, which never outlives the tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The shell leads the group and waits for the end of a pipe that only the tests hold, so a killed
# test run takes its servers along. PR_SET_PDEATHSIG would follow the *thread* that started them:
# a restart through asyncio.to_thread() would die with that thread. A server that ends by itself
# ends the group too, so that the start fails at once and not at its time limit.
GUARD: Final = '{ "$@"; kill -KILL 0; } & read -r _; kill -KILL 0'

GONE_TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.002


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a group: its id, its name (15 characters) and its command line."""

    pid: int
    name: str
    command: str


@dataclass(slots=True)
class ProcessGroup:
    """A command in a session of its own, with everything that it starts."""

    command: Sequence[str]
    _leader: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command, unless it is running."""
        if not self.is_running():
            self._leader = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def is_running(self) -> bool:
        """Whether the command has been started and has not ended."""
        return self._leader is not None and self._leader.poll() is None

    def kill(self) -> None:
        """Kill the whole group, the hard way, and wait until it is gone. Nothing to do is fine.

        Raises:
            TimeoutError: a process of the group is still there after `GONE_TIMEOUT_S`.
        """
        if self._leader is None:
            return
        with self._leader as leader:
            # Only while the leader is not reaped is the number of its group surely its own.
            if leader.poll() is None:
                os.killpg(leader.pid, signal.SIGKILL)
                # A port is free for the next start when the last child has let go of it.
                eventually(lambda: not list(self.members()), timeout_s=GONE_TIMEOUT_S)
        self._leader = None

    def members(self) -> Iterator[Process]:
        """Yield the processes of the group that live: not the guard, not zombies."""
        if self._leader is None:
            return
        for entry in Path("/proc").glob("[0-9]*"):
            # A process may end between the listing and the look at it.
            with contextlib.suppress(OSError):
                process, group = _described(entry)
                if group == self._leader.pid and process.name != "sh":
                    yield process


def eventually(condition: Callable[[], bool], *, timeout_s: float) -> None:
    """Return as soon as `condition` holds.

    Raises:
        TimeoutError: it did not within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s: {condition}")
        time.sleep(POLL_S)


def _described(entry: Path) -> tuple[Process, int | None]:
    """Return a process and its group; None for a zombie, which is in no group any more."""
    # proc(5): "pid (name) state ppid pgrp ...", and the name may hold blanks and parentheses.
    head, _, tail = (entry / "stat").read_text().rpartition(") ")
    state, _, group, *_ = tail.split()
    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    process = Process(int(entry.name), head.partition("(")[2], command.strip())
    return process, None if state == "Z" else int(group)
