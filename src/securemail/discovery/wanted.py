"""Which services the next source is asked for. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from securemail.account import Service
from securemail.discovery.plan import Plan

# A person needs one way to read mail and one to send it. Asking on for POP3 where there is IMAP
# would tell more hosts about the address, and wait for them.
_NEEDS: Final = (frozenset({Service.IMAP, Service.POP3}), frozenset({Service.SUBMISSION}))


def still_wanted(plan: Plan, services: Iterable[Service]) -> frozenset[Service]:
    """Return those of `services` for which nothing was found that could be used.

    A service that the domain says it does not offer is not looked for elsewhere.
    """
    asked = frozenset(services)
    found = frozenset(each.service for each in plan.found if not each.is_ignored)
    missing: frozenset[Service] = frozenset()
    for need in _NEEDS:
        if not need & asked & found:
            missing |= need & asked
    return missing - plan.not_offered
