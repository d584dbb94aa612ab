"""The command as a process of its own, with pipes or at a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

# What a login does: standard input becomes the terminal that /dev/tty is.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
COMMAND = (sys.executable, "-W", "error", "-m", "securemail")


@dataclass(frozen=True, slots=True)
class Process:
    """A process with pipes."""

    popen: subprocess.Popen[str]

    def line(self) -> str:
        """Return the next line of what it says."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.popen.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """End it as `kill` and service managers do."""
        self.popen.terminate()

    def close_output(self) -> None:
        """Read no more, as `head` does."""
        assert self.popen.stdout is not None
        self.popen.stdout.close()

    def exit_code(self) -> int:
        """Return how it ends."""
        return self.popen.wait(20)

    def errors(self) -> str:
        """Return all that it says beside its results."""
        assert self.popen.stderr is not None
        return self.popen.stderr.read()


@contextmanager
def start(*arguments: str, **environment: str) -> Iterator[Process]:
    """Run the command with pipes; it is killed at the end."""
    popen = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with popen:
        try:
            yield Process(popen)
        finally:
            popen.kill()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a terminal."""

    popen: subprocess.Popen[bytes]
    terminal: int

    def read_until(self, words: str) -> str:
        """Return what is on the screen, once it has these words."""
        seen = b""
        while words.encode() not in seen:
            seen += self._read()
        return seen.decode()

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.terminal, f"{text}\n".encode())

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self.terminal, key)

    def rest(self) -> str:
        """Return all that comes on the screen till the end."""
        seen = b""
        while some := self._read():
            seen += some
        return seen.decode()

    def exit_code(self) -> int:
        """Return how it ends."""
        return self.popen.wait(20)

    def _read(self) -> bytes:
        try:
            return os.read(self.terminal, 4096)
        except OSError:
            return b""  # the other end is closed


@contextmanager
def at_terminal(
    *arguments: str, command: Sequence[str] = COMMAND, **environment: str
) -> Iterator[Person]:
    """Run the command at a terminal of 80 columns; it is killed at the end."""
    mine, its = pty.openpty()
    try:
        popen = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command, *arguments],
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
            env={**environment, "COLUMNS": "80", "TERM": "dumb"},
        )
        os.close(its)
        with popen:
            try:
                yield Person(popen, mine)
            finally:
                popen.kill()
    finally:
        os.close(mine)
