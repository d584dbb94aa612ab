"""Reads what JSON or TOML has, and takes nothing but what is exactly as it is written.

No I/O here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final, TypeVar

from securemail import limits
from securemail.errors import UsageError

EnumT = TypeVar("EnumT", bound=Enum)


class LongText(str):
    """The kind of a field whose text may be long: certificates."""

    __slots__ = ()


def table(
    data: object, place: str, kinds: Mapping[str, type], *, required: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the fields that `data` has, each of its kind in `kinds`.

    Raises: UsageError that names the place, for anything but a table, for fields that are unknown,
    missing, of another type or too long.
    """
    if not isinstance(data, Mapping):
        raise UsageError(f"{_shown(data)} is not a table", field=place)
    for name in data:
        if name not in kinds:
            raise UsageError(f"no field is called {_shown(name)}", field=place)
    for name in required:
        if name not in data:
            raise UsageError("it is missing", field=f"{place}.{name}")
    return {name: checked(value, f"{place}.{name}", kinds[name]) for name, value in data.items()}


def checked(value: object, place: str, kind: type) -> Any:
    """Return `value` if it is exactly of `kind`, and not too long.

    Raises: UsageError that names the place.
    """
    wanted = str if kind is LongText else kind
    if type(value) is not wanted:
        raise UsageError(f"{_shown(value)} is not {_NAMES[wanted]}", field=place)
    if isinstance(value, str | list | dict) and len(value) > (limit := _LENGTHS[kind]):
        raise UsageError(f"{len(value)} are more than {limit}", field=place)
    if isinstance(value, str) and _HALF.search(value):
        raise UsageError("half a character is in it", field=place)
    return value


def each(values: Iterable[object], place: str, kind: type) -> tuple[Any, ...]:
    """Return the entries of a list, all of one kind.

    Raises: UsageError that names the entry.
    """
    return tuple(checked(value, f"{place}[{n}]", kind) for n, value in enumerate(values))


@contextmanager
def at(place: str) -> Iterator[None]:
    """Say where in the document a value stood that one of ours refuses."""
    try:
        yield
    except UsageError as exc:
        raise UsageError(str(exc), field=place) from exc


def word(value: Enum) -> str:
    """Return what stands for a choice in a document: its name, in lower case."""
    return value.name.lower()


def choice(kind: type[EnumT], text: str, place: str) -> EnumT:
    """Return the choice that `text` stands for.

    Raises: UsageError that names the place and what there is to choose from.
    """
    for value in kind:
        if word(value) == text:
            return value
    known = ", ".join(word(value) for value in kind)
    raise UsageError(f"{_shown(text)} is none of {known}", field=place)


_HALF: Final = re.compile("[\ud800-\udfff]")  # a surrogate: no encoding writes it
_NAMES: Final = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}
_LENGTHS: Final[Mapping[type, int]] = {
    str: limits.STORED_TEXT_CHARS,
    LongText: limits.STORED_LONG_CHARS,
    list: limits.STORED_ENTRIES,
    dict: limits.STORED_ENTRIES,
}


def _shown(value: object) -> str:
    """Return so much of a hostile value as fits into a message."""
    text = (
        repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    )
    return text if len(text) <= limits.WORDS_CHARS else f"{text[: limits.WORDS_CHARS]}…"
