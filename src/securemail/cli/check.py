"""`securemail check`: whether mail is private, and what to change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from securemail.account import Account, Service, TLSMode
from securemail.cli.codes import Exit
from securemail.cli.exits import exit_of
from securemail.cli.hints import hints_on, hints_on_changes, hints_on_plan, unique
from securemail.cli.surroundings import Surroundings
from securemail.cli.target import servers_of
from securemail.discovery.changes import ChangeKind, changes_between
from securemail.discovery.plan import Plan
from securemail.errors import ConnectError, DeadlineError
from securemail.setup.discover import discover
from securemail.setup.report import ServiceReport
from securemail.setup.verify import verify_account


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out. `hints` are what could be better though it works.

    `unanswered` are servers that need not be there, and are not.
    """

    title: str
    reports: tuple[ServiceReport, ...]
    hints: tuple[str, ...]
    unanswered: tuple[ServiceReport, ...] = ()

    @property
    def exit(self) -> Exit:
        """The worst that came of it; nothing at all is the worst."""
        failures = [exit_of(each.error) for each in self.reports if each.error is not None]
        if not self.reports:
            return Exit.UNREACHABLE
        return next(
            (code for code in (Exit.NOT_PRIVATE, Exit.LOGIN) if code in failures),
            failures[0] if failures else Exit.OK,
        )

    def as_dict(self) -> dict[str, object]:
        """Return it in values that JSON has."""
        return {
            "target": self.title,
            "private": self.exit is Exit.OK,
            "services": [each.as_dict() for each in self.reports],
            "unanswered": [each.as_dict() for each in self.unanswered],
            "hints": list(self.hints),
        }


async def find(address: str, around: Surroundings) -> Plan:
    """Return the servers of a mail address.

    Raises: as `discover`.
    """
    return await discover(
        address, resolver=around.resolver, trust=around.trust, timeouts=around.timeouts
    )


async def check_account(account: Account, plan: Plan | None, around: Surroundings) -> Checked:
    """Return what each server of an account proves, and whether its login works if it has one.

    `plan` is what its provider advertises, where that is known.

    Raises: UsageError.
    """
    report = await verify_account(account, resolver=around.resolver, timeouts=around.timeouts)
    changes = changes_between(account, plan) if plan else ()
    better = {change.service for change in changes if change.kind is ChangeKind.BETTER}
    now = datetime.now(UTC)
    hints = [
        *(hints_on_plan(plan) if plan else ()),
        *hints_on_changes(changes),
        *(
            hint
            for each in report
            for hint in hints_on(each, now, has_better=each.service in better)
        ),
        *report.warnings,
    ]
    return Checked(account.address, report.services, tuple(unique(hints)))


async def check_server(
    text: str, service: Service | None, tls: TLSMode | None, around: Surroundings
) -> Checked:
    """Return what the servers prove that HOST[:PORT] can mean; of guesses only those that answer.

    Raises: UsageError.
    """
    servers = servers_of(text, service, tls)
    tried = await asyncio.gather(
        *(
            verify_account(
                each.account(around.trust), resolver=around.resolver, timeouts=around.timeouts
            )
            for each in servers
        )
    )
    reports = [report for each in tried for report in each.services]
    is_guess = len(servers) > 1
    silent = [each for each in reports if is_guess and _is_silent(each)]
    answered = [each for each in reports if each not in silent]
    return Checked(text, tuple(answered), tuple(_hints(answered)), tuple(silent))


def _hints(reports: Sequence[ServiceReport]) -> list[str]:
    modes = {(each.service, each.endpoint.tls) for each in reports if each.is_ok}
    return unique(
        hint
        for each in reports
        # Both modes are there: STARTTLS beside implicit TLS is as it should be.
        if not (each.endpoint.tls is TLSMode.STARTTLS and (each.service, TLSMode.IMPLICIT) in modes)
        for hint in hints_on(each, datetime.now(UTC))
    )


def _is_silent(report: ServiceReport) -> bool:
    return report.confidentiality is None and isinstance(report.error, ConnectError | DeadlineError)
