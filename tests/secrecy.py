"""Where secrets are looked for: logs, errors, frames, pickles, reprs and what hangs on them."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from securemail import Event, SecureMailError
from securemail.secret import Secret, SecretBytes
from securemail.testing.attacks import forms_in

TESTS: Final = str(Path(__file__).parent)
# Deep enough for a session's transport, its engine and what that holds.
DEPTH: Final = 6
_CONTAINERS: Final = (dict, list, tuple, set, frozenset)


@dataclass(slots=True)
class Ear:
    """An observer and a log handler that keep all they are told."""

    heard: list[str] = field(default_factory=list)

    def __call__(self, event: Event, /) -> None:
        self.heard += [repr(event), str(event), f"{event}"]

    def emit(self, record: logging.LogRecord) -> None:
        self.heard += [record.getMessage(), repr(vars(record))]


def found(texts: Iterable[str | bytes], secrets: Iterable[bytes]) -> list[str]:
    """Return where a secret stands, with its form."""
    kept = {text if isinstance(text, bytes) else text.encode(errors="replace") for text in texts}
    return [
        f"{form!r} in {text[:3000]!r}"
        for text in kept
        for secret in secrets
        for form in forms_in(text, secret)
    ]


def told(error: SecureMailError) -> Iterator[str | bytes]:
    """Yield all that a program might log about an error, frames with their locals included."""
    yield pickle.dumps(error)
    for link in chain(error):
        yield from (str(link), repr(link), f"{link}", repr(vars(link)), repr(link.args))
        frames = traceback.StackSummary.extract(
            traceback.walk_tb(link.__traceback__), capture_locals=True
        )
        for frame in frames:
            if not frame.filename.startswith(TESTS):
                # Not the dict: its repr escapes once more what the locals' have escaped.
                yield from (frame.locals or {}).values()


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that came before it."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [link.__cause__, link.__context__]


def shown(root: object) -> Iterator[str]:
    """Yield the repr, str and format of an object of ours and of all of ours that hangs on it."""
    seen: set[int] = set()
    waiting = [(root, 0)]
    while waiting:
        thing, depth = waiting.pop()
        if id(thing) in seen or depth > DEPTH:
            continue
        seen.add(id(thing))
        if not isinstance(thing, Secret | SecretBytes):
            waiting += [(part, depth + 1) for part in _parts(thing)]
        if not isinstance(thing, _CONTAINERS):  # their parts are looked at one by one
            yield from {repr(thing), str(thing), f"{thing}"}


def _parts(thing: object) -> Iterator[object]:
    if isinstance(thing, dict):
        yield from thing.values()
    elif isinstance(thing, _CONTAINERS):
        yield from thing
    elif type(thing).__module__.startswith("securemail"):
        yield from getattr(thing, "__dict__", {}).values()
        for kind in type(thing).__mro__:
            for name in getattr(kind, "__slots__", ()):
                if hasattr(thing, name):
                    yield getattr(thing, name)
