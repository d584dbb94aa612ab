"""Another process, which is told lines and answers each with a line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

# A line may hold the state of thousands of mailboxes.
_LINE_BYTES: Final = 64 * 1024 * 1024


class Gone(Exception):  # noqa: N818 - that it has gone is what happens here, on purpose
    """The process has ended."""


class Child:
    """`python -m MODULE ARGUMENTS`; when it is ready it says hello with a line: its ports."""

    def __init__(self, process: asyncio.subprocess.Process, hello: list[int]) -> None:
        self.hello: Final = hello
        self._process = process
        self._turn = asyncio.Lock()

    @classmethod
    async def started(cls, module: str, *arguments: str) -> Child:
        """Start it, and return when it is ready."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        assert process.stdout is not None
        return cls(process, json.loads(await process.stdout.readline()))

    async def tell(self, line: str) -> Any:
        """Tell it a line, and return its answer.

        Raises: Gone.
        """
        # An answer that nobody has read would be taken for the next one.
        return await asyncio.shield(asyncio.ensure_future(self._told(line)))

    async def _told(self, line: str) -> Any:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        async with self._turn:
            try:
                process.stdin.write(f"{line}\n".encode())
                await process.stdin.drain()
                answer = await process.stdout.readline()
            except ConnectionError as exc:
                raise Gone from exc
        if not answer.endswith(b"\n"):
            raise Gone
        return json.loads(answer)

    async def kill(self) -> None:
        """End it by SIGKILL, in the middle of whatever it is doing."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid


def say(answer: Any) -> None:
    """Answer; the other side of `tell`."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def told() -> AsyncIterator[list[str]]:
    """Yield the words of each line that this process is told; `say` something to each."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.split()
