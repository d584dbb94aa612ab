"""Values that must not be read by accident. No I/O here."""

from __future__ import annotations

from typing import Final, NoReturn

REDACTED: Final = "<redacted>"


class Secret:
    """A text whose repr, str and format say nothing about it.

    Call `reveal()` at the one place that puts it on the wire. Equality and hash work, so that a
    value holding a secret can be compared; pickling and copying to disk are refused.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str | Secret) -> None:
        self._text = text.reveal() if isinstance(text, Secret) else text

    def reveal(self) -> str:
        """Return the text itself. Whoever calls this answers for where it goes."""
        return self._text

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: keep it in a keyring")


class SecretBytes:
    """Bytes on their way to the wire that carry a secret; repr and str show the length only."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def reveal(self) -> bytes:
        """Return the bytes themselves."""
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"<{len(self._data)} secret bytes>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("SecretBytes are not pickled")
