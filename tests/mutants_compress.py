"""The rules of compression, each taken out once. `tests/mutants.py` says how the rows are read."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

DEFLATE: Final = "tests/wire/test_deflate.py"
LINE: Final = "tests/transports/test_imap_compress.py"
SESSION: Final = "tests/session/test_compress.py"

COMPRESS_MUTANTS: Final = (
    Mutant(
        "a server may inflate us without bound",
        "wire/deflate.py",
        "        if self._yielded > limit:\n",
        "        if False:\n",
        f"{DEFLATE}::test_a_bomb_is_refused_at_the_limit_and_not_a_piece_later",
    ),
    Mutant(
        "a bomb is inflated in one go",
        "transports/compressed.py",
        "            for _ in range(_PIECES):\n",
        "            while True:\n",
        f"{LINE}::test_a_bomb_ends_the_session_and_blocks_nobody",
    ),
    Mutant(
        "what shares a segment with the OK is read as cleartext",
        "transports/conversation.py",
        '            end = data.find(b"\\n", at) + 1 or len(data)\n',
        "            end = len(data)\n",
        f"{LINE}::test_cleartext_behind_the_ok_is_not_read",
    ),
    Mutant(
        "compression is asked for unasked",
        "connect.py",
        "        finish=_compress if compress else None,\n",
        "        finish=_compress,\n",
        f"{SESSION}::test_neither_compress_nor_id_is_said_unasked",
    ),
    Mutant(
        "a server that breaks the compressed line gives a session",
        "transports/conversation.py",
        "        await self.ask(self._compression, timeout_s=timeout_s)\n        self.check()\n",
        "        await self.ask(self._compression, timeout_s=timeout_s)\n",
        f"{SESSION}::test_a_server_that_breaks_compress_gives_no_session",
    ),
)
