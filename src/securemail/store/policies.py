"""A policy as a table: its fields as they are declared, so that a new one is kept too.

No I/O here.
"""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any, Final

from securemail.errors import UsageError
from securemail.minimum import RFC_MINIMUM, Policy
from securemail.store.fields import at, choice, table, word

_ACKNOWLEDGED: Final = "acknowledged"


def policy_table(policy: Policy) -> dict[str, str | bool]:
    """Return what `policy` asks for beyond the RFC's minimum, and the words that gave it up."""
    values = {each.name: getattr(policy, each.name) for each in fields(policy)}
    return {
        name: word(value) if isinstance(value, Enum) else value
        for name, value in values.items()
        if value != getattr(RFC_MINIMUM, name)
    }


def policy_in(data: object, place: str) -> Policy:
    """Return the policy that `policy_table` has made.

    One without a minimum does not warn again: the person was warned when they took the risk, and
    their words are kept with it (RFC 8314 section 5.2). Whoever reads a file of somebody else must
    warn; `exchange` does.

    Raises: UsageError that names the place.
    """
    # A field that is not known would be a requirement that is dropped in silence: `table` refuses.
    values = table(data, place, {each.name: _kind(each.name) for each in fields(Policy)})
    words = values.pop(_ACKNOWLEDGED, "")
    for name, value in values.items():
        if isinstance(default := getattr(RFC_MINIMUM, name), Enum):
            values[name] = choice(type(default), value, f"{place}.{name}")
    with at(place):
        policy = Policy(**values)
    return _given_up(policy, words, place) if words else policy


def _given_up(policy: Policy, words: str, place: str) -> Policy:
    if policy != RFC_MINIMUM or not words.strip():
        raise UsageError(
            "without a minimum nothing else is asked for", field=f"{place}.{_ACKNOWLEDGED}"
        )
    object.__setattr__(policy, _ACKNOWLEDGED, words)
    return policy


def _kind(name: str) -> type[Any]:
    default = getattr(RFC_MINIMUM, name)
    return str if isinstance(default, Enum) else type(default)
