"""A name server that answers as an honest resolver does, but for one answer; and two who judge."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

import dns.flags
import dns.message
import dns.name
import dns.query
from dns.rdatatype import DNSKEY, DS, RdataType

from securemail.aio.resolver_lookup import Lookups
from securemail.discovery.dnssec import Question
from securemail.testing import NameServer
from tests.servers import verdicts
from tests.servers.case import Case
from tests.servers.mutations import MUTATIONS
from tests.servers.nsd import DNSWorld
from tests.servers.unbound import Unbound, unbound
from tests.servers.verdicts import Judgement
from tests.servers.zones import NAMES, TYPES, name

# Where mutations find something to do; what is bogus before stays so.
ZONES = (
    "nsec",
    "nsec3",
    "optout",
    "safe.optout",
    "child.optout",
    "unsigned",
    "unsigned.nsec3",
    "below.unsigned",
    "dear",
    "rsa",
    "ed25519",
    "roll",
    "algorithms",
)

# All but CNAME itself: what unbound makes of one that a DNAME has made depends on whom it asks.
ASKED = [rdtype for rdtype in TYPES if rdtype != "CNAME"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one seed stands for: a question, and what is wrong with one of the answers to it."""

    seed: int
    question: Question
    target: Question
    rule: int

    @property
    def rule_name(self) -> str:
        """What is done to the answer, as `mutations` calls it."""
        return MUTATIONS[self.rule].__name__

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.question}, {self.rule_name} in {self.target}"


def plan(seed: int, attempt: int = 0) -> Plan:
    """Return the plan of a seed: each mutation in turn, all else by chance."""
    dice = Random(f"{seed} {attempt}")
    zone = name(f"{dice.choice(ZONES)}.test.")
    question = Question(name(dice.choice(NAMES), str(zone)), RdataType.make(dice.choice(ASKED)))
    rule = seed % len(MUTATIONS)
    target = question
    if MUTATIONS[rule].__name__ == "change_delegation" or dice.random() < 0.3:
        above = zone.split(dice.randint(2, len(zone)))[1]
        is_delegation = MUTATIONS[rule].__name__ == "change_delegation" or dice.random() < 0.5
        target = Question(above, DS if is_delegation else DNSKEY)
    return Plan(seed, question, target, rule)


@dataclass(slots=True)
class Mutator:
    """Answers for the world; what `plan` says is wrong with it."""

    world: DNSWorld
    plan: Plan = field(default_factory=lambda: plan(0))
    is_told: bool = False
    _honest: dict[Question, bytes] = field(default_factory=dict)
    _told: dict[Question, bytes] = field(default_factory=dict)

    def turn(self, to: Plan) -> bool:
        """Begin with another plan, and say whether anything is wrong with the answer then.

        `is_told` says afterwards whether anybody has asked for it.
        """
        self.plan = to
        self.is_told = False
        self._told = {to.target: self._make(to.target)}
        return self._told[to.target] != self.honest(to.target).to_wire(max_size=65535)

    async def answer(self, query: dns.message.Message) -> bytes:
        """Return the answer: to the same question always the same."""
        asked = query.question[0]
        question = Question(asked.name, RdataType(asked.rdtype))
        self.is_told = self.is_told or question == self.plan.target
        if question not in self._told:
            self._told[question] = self._make(question)
        # The case of the letters is the asker's, and its number.
        said = dns.message.from_wire(self._told[question])
        said.id, said.question = query.id, query.question
        return said.to_wire(max_size=65535)

    def honest(self, question: Question) -> dns.message.Message:
        """Return what NSD has to say, by way of a resolver that keeps its judgement to itself."""
        if question not in self._honest:
            query = dns.message.make_query(question.name, question.rdtype, want_dnssec=True)
            query.flags |= dns.flags.CD
            host, port = self.world.server
            said, _ = dns.query.udp_with_fallback(query, host, port=port, timeout=5)
            self._honest[question] = said.to_wire(max_size=65535)
        return dns.message.from_wire(self._honest[question])

    def _make(self, question: Question) -> bytes:
        message = self.honest(question)
        if question == self.plan.target:
            dice = Random(self.plan.seed)
            MUTATIONS[self.plan.rule](Case(message, self.world.authority, self.honest, dice))
        return message.to_wire(max_size=65535)


@dataclass(frozen=True, slots=True)
class Trial:
    """A case and what came of it; `truth` is what we say without the mutation."""

    case: Plan
    mine: Judgement
    theirs: Judgement
    truth: Judgement

    def __str__(self) -> str:
        return f"{self.case}\n  we: {self.mine}\n  unbound: {self.theirs}"


@dataclass(frozen=True, slots=True)
class Court:
    """Both judges, before the same name server; `honest` are look-ups without a mutation."""

    mutator: Mutator
    honest: Lookups
    server: NameServer
    other: Unbound

    async def judge(self, seed: int) -> Trial:
        """Return what both say of the seed's first plan in which an answer is wrong and is used."""
        for attempt in itertools.count():
            case = plan(seed, attempt)
            if self.mutator.turn(case):
                trial = await self._judge(case)
                if self.mutator.is_told:
                    return trial
        raise AssertionError(seed)  # count() has no end

    async def _judge(self, case: Plan) -> Trial:
        """Return our verdict and unbound's, both without any memory, and ours of the truth."""
        self.other.flush()
        lookups = verdicts.validating(self.server.address, self.mutator.world.anchor)
        mine = await verdicts.ours(lookups, case.question)
        theirs = await verdicts.theirs(self.other.server, case.question)
        truth = await verdicts.ours(self.honest, case.question)
        return Trial(case, mine, theirs, truth)


@contextlib.asynccontextmanager
async def court(world: DNSWorld) -> AsyncIterator[Court]:
    """Let an unbound and us judge the same answers."""
    mutator = Mutator(world)
    async with NameServer(world.authority, answer=mutator.answer) as server:
        host, port = server.address
        upstream = f'forward-zone:\n  name: "."\n  forward-addr: {host}@{port}'
        with unbound(world.anchor, upstream) as other:
            honest = verdicts.validating(world.server, world.anchor)
            yield Court(mutator, honest, server, other)
