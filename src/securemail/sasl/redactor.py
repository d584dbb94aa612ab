"""Takes secrets out of a server's words behind the login, and holds none. No I/O here."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Self

from securemail import limits
from securemail.sasl.redact import CUT_SPACES, forms
from securemail.secret import REDACTED, Secret

# Shorter ones stand in ordinary words by chance, and whoever has their digest has them.
MIN_CHARS: Final = 4

# With 64 bits, what is none of the forms is taken for one in no log that anybody will read.
_DIGEST_BYTES: Final = 8
_KEY_BYTES: Final = 16

# Of a longer one, a token mostly, so much is known again: servers repeat its beginning, too.
HEAD_CHARS: Final = 64

# UTF-32, so that a piece of a text is a piece of its octets.
_CODEC: Final = "utf-32-le"
_WIDTH: Final = 4

# What our messages may have behind a server's words: "' before it was asked anything".
_BEHIND_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces the secrets of one login, in the forms that `redact` knows, by `REDACTED`.

    A session lives for months, and what it logged in with must not live as long: a token's owner
    may have forgotten it after a minute. So what is kept is not the text but a digest of each form
    under a random key, and its length: some 300 octets. A text is compared piece by piece, for each
    length at each place: 0.5 us each, 1 ms for words as long as may be. So only words that go into
    a message are. Who reads our memory finds the key, too, and may guess: this keeps secrets out
    of reprs and dumps, and a weak one from nobody who is that far.

    Not found: what is shorter than `MIN_CHARS`, a part of a secret but the first `HEAD_CHARS`
    characters of a long one, behind which all goes, and a secret that was taken apart.
    """

    _key: bytes = field(default=b"", repr=False)
    _digests: bytes = field(default=b"", repr=False)
    _lengths: tuple[int, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, known: Iterable[Secret]) -> Self:
        """Return what finds these again."""
        texts = {form for secret in known for form in forms(secret.reveal())}
        texts = {text[:HEAD_CHARS] for text in texts if len(text) >= MIN_CHARS}
        keyed = _keyed(key := secrets.token_bytes(_KEY_BYTES))
        # One string of octets: a set of fourteen takes a kilobyte.
        digests = b"".join(_digest(keyed, text.encode(_CODEC, "surrogatepass")) for text in texts)
        return cls(key, digests, tuple(sorted({len(text) for text in texts})))

    def __call__(self, message: str) -> str:
        """Return a message of ours, in which a server's words may stand, without the secrets.

        The words may have been cut in the middle of one. So the end of a long message goes.
        """
        end = len(message)
        if self._lengths and end > limits.WORDS_CHARS - CUT_SPACES:
            end = max(0, end - self._lengths[-1] - _BEHIND_CHARS)
            return self._without(message, end) + REDACTED
        return self._without(message, end)

    def words(self, text: bytes) -> str:
        """Return a server's words for a person, as `wire.text.words`, without the secrets."""
        longest = self._lengths[-1] if self._lengths else 0
        some = text[: 4 * (limits.WORDS_CHARS + longest)].decode("utf-8", "replace")
        some = some[: limits.WORDS_CHARS + longest]
        if not some.isprintable():
            some = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in some)
        return self._without(some, limits.WORDS_CHARS).strip()

    def _without(self, text: str, end: int) -> str:
        """Return `text` up to `end`; a secret that goes beyond it is taken away whole."""
        pieces, at = [], 0
        for first, last in sorted(self._found(text)):
            if first >= end:
                break
            if first >= at:
                pieces += [text[at:first], REDACTED]
            at = max(at, last)
        return "".join([*pieces, text[at:end]])

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        data = text.encode(_CODEC, "surrogatepass")
        keyed = _keyed(self._key)
        for length in self._lengths:
            for at in range(len(text) - length + 1):
                piece = data[at * _WIDTH : (at + length) * _WIDTH]
                if _digest(keyed, piece) in self._digests:
                    yield at, at + length if length < HEAD_CHARS else len(text)


def _keyed(key: bytes) -> blake2b:
    return blake2b(digest_size=_DIGEST_BYTES, key=key)


def _digest(keyed: blake2b, data: bytes) -> bytes:
    digest = keyed.copy()
    digest.update(data)
    return digest.digest()


NOTHING: Final = Redactor()
"""For a session that has no secret."""
