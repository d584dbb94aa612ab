"""Mail services in SRV records (RFC 2782, RFC 6186, RFC 8314 section 5.1). No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from securemail import limits
from securemail.account import SRV_NAMES, Endpoint, Service, TLSMode
from securemail.discovery.finding import Advertised, Finding
from securemail.errors import UsageError
from securemail.records import DNSSEC, Answer, SRVRecord
from securemail.wire.text import printable

NAME: Final = "SRV"

Draw = Callable[[int], int]
"""Randomness: given n, a whole number from 0 to n, both included."""

_NOT_OFFERED: Final = "."


@dataclass(frozen=True, slots=True)
class Label:
    """The first two labels of an SRV name, and what they stand for."""

    service: Service
    tls: TLSMode


# `_imap` and its like promise no TLS by themselves; to us they are STARTTLS or nothing.
LABELS: Final[Mapping[str, Label]] = {
    f"{name}._tcp": Label(*kind) for kind, name in SRV_NAMES.items()
}


def labels_of(services: Iterable[Service]) -> tuple[str, ...]:
    """Return the labels to ask for, in the order of the table."""
    wanted = frozenset(services)
    return tuple(name for name, label in LABELS.items() if label.service in wanted)


def in_order(records: Iterable[SRVRecord], draw: Draw) -> list[SRVRecord]:
    """Return the records in the order of RFC 2782: by priority, and by weighted lot within one.

    At most `limits.SRV_RECORDS`, those with the best priorities.
    """
    best = sorted(records, key=lambda record: record.priority)[: limits.SRV_RECORDS]
    ordered: list[SRVRecord] = []
    for _, group in groupby(best, key=lambda record: record.priority):
        ordered += _by_lot(list(group), draw)
    return ordered


def _by_lot(waiting: list[SRVRecord], draw: Draw) -> Iterable[SRVRecord]:
    # "Arrange all SRV RRs [...] in any order, except that all those with weight 0 are placed at
    # the beginning": so that they have a small chance, too.
    waiting.sort(key=lambda record: record.weight > 0)
    while waiting:
        lot = draw(sum(record.weight for record in waiting))
        yield waiting.pop(_drawn(waiting, lot))


def _drawn(waiting: list[SRVRecord], lot: int) -> int:
    """Return the first place at which the running sum of weights reaches the lot."""
    running = 0
    for place, record in enumerate(waiting):
        running += record.weight
        if running >= lot:
            return place
    return len(waiting) - 1


def servers_in(answers: Mapping[str, Answer[SRVRecord]], domain: str, draw: Draw) -> Finding:
    """Return what the answers (by label) say of `domain`'s servers, best first for each service.

    By priority; of equal ones implicit TLS is before STARTTLS; then by weighted lot. The target "."
    takes its label out, and a service that has no other is not offered (RFC 6186 section 3.4).
    """
    rows = [
        (label, record)
        for label, answer in answers.items()
        for record in in_order(answer.records, draw)
    ]
    rows.sort(key=lambda row: (row[1].priority, LABELS[row[0]].tls is not TLSMode.IMPLICIT))
    results = [
        _server(name, record, domain, preference=place, dnssec=answers[name].dnssec)
        for place, (name, record) in enumerate(rows)
    ]
    servers = tuple(result for result in results if isinstance(result, Advertised))
    notes = (result for result in results if isinstance(result, str))
    return Finding(
        source=NAME,
        servers=servers,
        not_offered=_not_offered(rows) - {server.service for server in servers},
        notes=tuple(dict.fromkeys(notes)),
    )


def _server(
    label: str, record: SRVRecord, domain: str, *, preference: int, dnssec: DNSSEC
) -> Advertised | str:
    """Return the server that a record names, or a sentence that says why there is none."""
    name = f"{label}.{domain}"
    if record.target == _NOT_OFFERED:
        return f"{name}: the domain says that it does not offer this"
    try:
        endpoint = Endpoint(record.target, record.port, LABELS[label].tls, srv_domain=domain)
    except UsageError as exc:
        return f"{name} names a server that cannot be one ({printable(str(exc))})"
    return Advertised(
        service=LABELS[label].service,
        endpoint=endpoint,
        preference=preference,
        dnssec=dnssec,
        reasons=(f"{name} names it with priority {record.priority}",),
    )


def _not_offered(rows: Iterable[tuple[str, SRVRecord]]) -> frozenset[Service]:
    return frozenset(
        LABELS[label].service for label, record in rows if record.target == _NOT_OFFERED
    )
