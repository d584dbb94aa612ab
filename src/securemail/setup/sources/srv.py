"""Asks the DNS for SRV records, all of a domain's at once (RFC 6186, RFC 8314 section 5.1)."""

from __future__ import annotations

import asyncio
import secrets
from typing import Protocol, cast

from securemail.discovery import srv
from securemail.discovery.finding import Finding
from securemail.errors import DiscoveryError, DiscoveryReason
from securemail.records import Answer, SRVRecord
from securemail.setup.source import Question


class _DNS(Protocol):
    async def srv(self, label: str, domain: str) -> Answer[SRVRecord]: ...


class SRV:
    """The domain's own SRV records."""

    @property
    def name(self) -> str:
        """What a plan calls it."""
        return srv.NAME

    async def find(self, question: Question) -> Finding:
        """Return the servers that the records name.

        Some failed look-ups among others are notes. A bogus answer is neither a note nor an
        absence: somebody forges.

        Raises: DiscoveryError for a bogus answer, and when no look-up worked.
        """
        labels = srv.labels_of(question.services)
        results = await asyncio.gather(*(_look_up(label, question) for label in labels))
        failures = [result for result in results if isinstance(result, DiscoveryError)]
        bogus = [failure for failure in failures if failure.reason is DiscoveryReason.BOGUS]
        if failures and (bogus or len(failures) == len(labels)):
            raise (bogus or failures)[0]
        answers = {
            label: result
            for label, result in zip(labels, results, strict=True)
            if not isinstance(result, DiscoveryError)
        }
        return srv.servers_in(answers, question.domain, _draw).noting(map(str, failures))


async def _look_up(label: str, question: Question) -> Answer[SRVRecord] | DiscoveryError:
    dns = cast("_DNS", question.resolver)
    seconds = question.timeouts.connect
    try:
        async with asyncio.timeout(seconds):
            return await dns.srv(label, question.domain)
    except DiscoveryError as exc:
        return exc
    except TimeoutError:
        return DiscoveryError(
            f"no answer about {label}.{question.domain} within {seconds:g} s",
            reason=DiscoveryReason.TIMEOUT,
        )


def _draw(n: int) -> int:
    return secrets.randbelow(n + 1)
