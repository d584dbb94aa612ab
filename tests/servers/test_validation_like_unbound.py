"""Our validation and unbound's agree: on a whole signed world, and on answers with a fault in them.

docs/discovery.md says what was compared, and where the two differ on purpose.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable

import pytest
from dns.rdatatype import RdataType

from securemail.discovery.dnssec import Question
from tests.servers import mutating, verdicts
from tests.servers.mutating import Trial
from tests.servers.nsd import DNSWorld
from tests.servers.verdicts import Verdict
from tests.servers.zones import NAMES, SIGNINGS, TYPES, name

pytestmark = pytest.mark.nsd

WORLD = [
    Question(name(host, zone), RdataType.make(rdtype))
    for zone in SIGNINGS
    for host in NAMES
    for rdtype in TYPES
]
MUTATIONS = 1000
# Each judge asks again about where an alias leads, unless it takes what came along.
ALIASES = ("alias.", "abroad.", "away.", "chain.", "broken.", "nowhere.", "x.far.")


@pytest.fixture(autouse=True)
async def quick_loop() -> None:
    """Do without asyncio's debug mode, which doubles the time; nothing here is about tasks."""
    asyncio.get_running_loop().set_debug(False)


async def compare(world: DNSWorld, questions: Iterable[Question]) -> Counter[Verdict]:
    lookups = verdicts.validating(world.server, world.anchor)
    seen: Counter[Verdict] = Counter()
    for question in questions:
        mine = await verdicts.ours(lookups, question)
        theirs = await verdicts.theirs(world.server, question)
        assert mine == theirs, f"{question}\n  we: {mine}\n  unbound: {theirs}"
        seen[mine.verdict] += 1
    return seen


async def test_we_agree_with_unbound_on_names_of_a_signed_world(dns_world: DNSWorld) -> None:
    seen = await compare(dns_world, random.Random(1).sample(WORLD, 200))
    assert all(seen[verdict] > 10 for verdict in Verdict)


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("zone", SIGNINGS)
async def test_we_agree_with_unbound_on_every_name_and_type_of_a_zone(
    dns_world: DNSWorld, zone: str
) -> None:
    apex = name(zone)
    mine = [each for each in WORLD if dns_world.authority.zone_of(each.name).name == apex]
    assert (await compare(dns_world, mine)).total() == len(NAMES) * len(TYPES)


def difference(trial: Trial) -> str | None:
    """Return why the two may differ here: one of the reasons of docs/discovery.md; None: no why."""
    mine, theirs = trial.mine, trial.theirs
    if "RSASHA1" in theirs.why and mine.verdict is Verdict.INSECURE:
        return "SHA-1"  # a zone that counts as unsigned
    asked = str(trial.case.question)
    # Where nothing is at the target, we do not look at the proofs that came along.
    is_about_proofs = any(each in theirs.why for each in ("misc failure", "NSEC", "SOA IN>"))
    is_repeated = mine == trial.truth and is_about_proofs and not asked.startswith("x.far.")
    is_alias = asked.startswith(ALIASES) or ".dname." in asked
    if is_alias and (mine.verdict <= theirs.verdict or is_repeated):
        return "alias"
    if "NSEC" in theirs.why and mine == trial.truth and mine.records:
        return "unused"  # a proof beside records that need none
    if "proof" in mine.why or "does not prove" in mine.why:
        return "proof"  # we want each that is there to be signed, and to keep to its zone
    is_bound = "too many RRSIG" in theirs.why or mine.verdict < theirs.verdict
    if trial.case.rule_name == "add_signatures" and is_bound:
        return "bounds"
    return None


async def mutate(world: DNSWorld, seeds: Iterable[int]) -> Counter[str]:
    unexplained: list[str] = []
    seen: Counter[str] = Counter()
    async with mutating.court(world) as court:
        for seed in seeds:
            trial = await court.judge(seed)
            if trial.mine == trial.theirs:
                seen[trial.mine.verdict.name] += 1
            elif reason := difference(trial):
                seen[reason] += 1
            else:
                unexplained.append(str(trial))
    assert unexplained == [], "\n".join(unexplained)
    return seen


async def test_we_agree_with_unbound_on_answers_with_a_fault(dns_world: DNSWorld) -> None:
    seen = await mutate(dns_world, range(0, MUTATIONS, 19))
    assert all(seen[verdict.name] > 3 for verdict in Verdict)


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, MUTATIONS, 100))
async def test_we_agree_with_unbound_on_a_thousand_answers_with_a_fault(
    dns_world: DNSWorld, first: int
) -> None:
    seen = await mutate(dns_world, range(first, first + 100))
    assert sum(seen[verdict.name] for verdict in Verdict) >= 90
    print(dict(seen))  # noqa: T201 - the numbers of docs/discovery.md
