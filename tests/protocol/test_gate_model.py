"""Whatever a server says and a caller does, in whatever order, the gate holds (RFC 8314 5.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from securemail import Policy, Service, TLSVersion, Trust
from securemail.intent import Intent
from securemail.policy.confidentiality import shortfalls
from securemail.proof import Proof
from securemail.protocol.dialogue import Command, Discover, LoggedIn, StartTLS, State
from tests.protocol.model import COMMANDS, HARMLESS, LINES, Node, Walk
from tests.values import GOOD_PROOF, UNVALIDATED_PROOF

# What a handshake may come to, and whether it is enough for the policy below.
SHORT = (
    UNVALIDATED_PROOF,
    replace(GOOD_PROOF, trust=Trust.PIN, identity=None),
    replace(GOOD_PROOF, tls_version=TLSVersion.TLS_1_2, group="secp256r1"),
    replace(GOOD_PROOF, group="x25519"),
)
POLICY = Policy(minimum_tls=TLSVersion.TLS_1_3, require_post_quantum=True)

# One line behind another in the same segment: what attackers put behind the STARTTLS reply.
BEHIND = {
    Service.IMAP: (b"* PREAUTH welcome",),
    Service.POP3: (b"+OK welcome",),
    Service.SUBMISSION: (b"235 welcome",),
}


# What a protocol does not have: UTF-8 mode before the login, a login in one flight with EHLO.
NEVER_REACHED = {
    Service.IMAP: {State.ENABLING},
    Service.POP3: set(),
    Service.SUBMISSION: {State.ENABLING, State.CONFIRMING},
}


class Auditor:
    """Protests when something leaves, or a login comes about, that the gate should prevent."""

    def __init__(self) -> None:
        self.below = 0
        self.above = 0

    def sent(self, node: Node, data: bytes) -> None:
        if shortfalls(POLICY, node.gate.proof):
            self.below += 1
            assert HARMLESS[node.service].fullmatch(data), (data, node.path)
        else:
            self.above += 1

    def came(self, node: Node, event: object) -> None:
        if isinstance(event, LoggedIn):
            assert not shortfalls(POLICY, node.gate.proof), node.path


def walk(service: Service, proofs: tuple[Proof, ...], behind: tuple[bytes, ...]) -> Walk:
    auditor = Auditor()
    walked = Walk(service, POLICY, proofs, auditor, behind=behind)
    walked.run()
    # A walk that sends nothing, or never sees an open gate, would show nothing.
    assert auditor.below > 0
    assert (auditor.above > 0) == (GOOD_PROOF in proofs)
    return walked


def report(walked: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(  # noqa: T201 - the count is asked for
            f"\nthe gate over {walked.service.value}: {walked.states} states, "
            f"{walked.steps} steps, {walked.refusals} refused"
        )


def test_the_walk_has_every_command_and_each_says_what_it_is_for() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Command))
    intents = {Discover: Intent.DISCOVER, StartTLS: Intent.UPGRADE}
    for command in COMMANDS:
        assert command.intent is intents.get(type(command), Intent.AUTHENTICATE)


@pytest.mark.parametrize("service", Service)
def test_no_sequence_of_words_and_calls_gets_anything_past_the_gate(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    walked = walk(service, (GOOD_PROOF, UNVALIDATED_PROOF), BEHIND[service])
    report(walked, capsys)
    assert walked.refusals > 0


@pytest.mark.full
@pytest.mark.timeout(600)  # a minute on a quiet machine
@pytest.mark.parametrize("service", Service)
def test_no_sequence_gets_past_the_gate_with_any_of_many_lines_behind_another(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    report(walk(service, (GOOD_PROOF, UNVALIDATED_PROOF), LINES[service][::3]), capsys)


@pytest.mark.parametrize("service", Service)
def test_a_connection_whose_proof_is_short_never_gets_beyond_ready(service: Service) -> None:
    walked = walk(service, (UNVALIDATED_PROOF,), ())
    reached = {node.machine.state for node in walked.visited}
    assert reached == {
        State.GREETING,
        State.READY,
        State.DISCOVERING,
        State.UPGRADING,
        State.HANDSHAKING,
        State.CLOSED,
    }


@pytest.mark.parametrize("service", Service)
def test_the_walk_reaches_every_state_when_the_gate_is_open(service: Service) -> None:
    reached = {node.machine.state for node in walk(service, (GOOD_PROOF,), ()).visited}
    unreached = set(State) - reached
    assert unreached == NEVER_REACHED[service]


@pytest.mark.parametrize("proof", SHORT, ids=["unvalidated", "pinned", "old", "classical"])
def test_each_of_these_proofs_is_short_of_the_policy(proof: Proof) -> None:
    assert shortfalls(POLICY, proof)
