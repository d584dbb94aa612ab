"""What may still be tried after something was refused. No I/O here.

A server that refuses one mechanism must not thereby get a weaker one that shows it more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from securemail.sasl.external import External
from securemail.sasl.mechanism import Verdict
from securemail.sasl.ways import Way


@dataclass(frozen=True, slots=True)
class Refusal:
    """A way that was tried, and what the server's "no" to it means."""

    way: Way
    verdict: Verdict


def why_not(way: Way, earlier: Iterable[Refusal], *, is_authenticated: bool) -> str | None:
    """Return why `way` may not be tried after the refusals so far, or None if it may.

    `is_authenticated` tells whether the server's certificate was validated.
    """
    if isinstance(way, External):
        return None  # it shows nothing that the handshake has not shown
    reasons = (
        _reason(way, refusal, is_authenticated=is_authenticated)
        for refusal in earlier
        if not isinstance(refusal.way, External)
    )
    return next((reason for reason in reasons if reason), None)


def _reason(way: Way, refusal: Refusal, *, is_authenticated: bool) -> str | None:
    name = refusal.way.name
    if refusal.verdict is Verdict.BINDING_UNKNOWN:
        # It would say the same of the next one that binds. One without may follow: servers in the
        # field offer -PLUS and know other bindings only.
        return f"not run: the server has no such binding ({name})" if way.binding else None
    if refusal.verdict is Verdict.WRONG_SECRET:
        # Accounts are locked after a few wrong ones; and a middleman who cannot use what he has
        # seen would like to see more.
        return f"not run: the server has compared the password ({name})"
    if refusal.way.binding and not way.binding:
        # Exactly what a middleman wants, whom the binding would give away.
        return f"not run: {name} was refused, and this would not be bound to the connection"
    if way.shows_secret and not refusal.way.shows_secret and not is_authenticated:
        # Servers with hashed passwords refuse SCRAM and take PLAIN. So do impostors.
        return f"not run: {name} was refused, and nothing shows that this is the right server"
    return None
