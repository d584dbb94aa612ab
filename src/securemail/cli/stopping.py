"""SIGTERM ends a command as Ctrl-C does: in order, and with a word."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from securemail.cli.codes import Exit


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Make SIGTERM an interruption; afterwards the process ends by SIGTERM, for whoever waits.

    Left alone, it ended a command in the middle: a terminal stayed without its echo after a
    password, and nobody said whether a message was sent. An exit code that says so stays.
    """
    ended: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        ended.append(number)
        # Whoever waits for Ctrl-C now, be it a prompt or the event loop, knows how to stop.
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except SystemExit as exc:
        if ended and exc.code == Exit.INTERRUPTED:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError):
                    stream.flush()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
