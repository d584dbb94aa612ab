"""The messages in a server's answer to FETCH (RFC 3501 section 7.4.2). No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

_FETCH: Final = re.compile(rb"[0-9]{1,10} FETCH ", re.IGNORECASE)
_FLAGS: Final = re.compile(rb"\bFLAGS \([^()]*\)", re.IGNORECASE)
_UID: Final = re.compile(rb"[ (]UID ([0-9]{1,10})(?=[ )])", re.IGNORECASE)
_SIZE: Final = re.compile(rb"[ (]RFC822\.SIZE ([0-9]{1,15})(?=[ )])", re.IGNORECASE)
_QUOTED: Final = re.compile(rb'[ (]BODY\[\](?:<0>)? "((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_END: Final = b"0 FETCH "

Fetched = tuple[int, bytes | None, int]
"""What FETCH says of a message: its UID, its text if there was one, its size or 0."""


def responses(lines: Iterable[bytes | bytearray]) -> Iterator[Fetched]:
    """Yield the UID, the text and the size of each message in the answer to FETCH.

    What else the server says meanwhile, and a message without its UID, is passed over.
    """
    words: list[bytes] = []
    text, is_rest = None, False
    for line in chain(lines, [_END]):
        if isinstance(line, bytearray):
            # The first literal is the one that was asked for.
            text = bytes(line) if text is None else text
            is_rest = True
        elif _FETCH.match(line):
            # Joined once: a response may have as many literals as there are lines.
            yield from _response(b"".join(words), text)
            words, text, is_rest = [line], None, False
        elif is_rest:
            # Of the same response; what follows is not.
            words.append(line)
            is_rest = False


def _response(words: bytes, text: bytes | None) -> Iterator[Fetched]:
    # Flags come unasked, and a flag may be any atom.
    words = _FLAGS.sub(b"", words)
    if text is None and (quoted := _QUOTED.search(words)):
        text = re.sub(rb"\\(.)", rb"\1", quoted[1])
    uid, size = _UID.search(words), _SIZE.search(words)
    if uid:
        yield int(uid[1]), text, int(size[1]) if size else 0
