"""Every dialogue there can be: all that a server may say and a caller may do, state by state.

The machines are the real ones. A state is looked at once; which it is follows from all that the
machine and its dialect hold, less the counters that only ever end a session sooner.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from securemail import Policy, Service
from securemail.errors import PolicyError, SecureMailError
from securemail.policy.gate import Gate
from securemail.proof import Proof
from securemail.protocol.dialects import new_dialect
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Command,
    ConfirmAndAuthenticate,
    Discover,
    EnableUTF8,
    LogIn,
    LogInByDigest,
    Proceed,
    Respond,
    StartTLS,
    State,
)
from securemail.protocol.imap import IMAPDialect
from securemail.protocol.machine import Machine
from securemail.protocol.pop3 import POP3Dialect
from securemail.protocol.submission import SubmissionDialect
from securemail.secret import Secret, SecretBytes
from securemail.wire.buffer import LineBuffer
from securemail.wire.smtp import Answering

COMMANDS: Final[tuple[Command, ...]] = (
    Discover(),
    StartTLS(),
    EnableUTF8(),
    Authenticate("PLAIN", SecretBytes(b"\0alice\0secret")),
    Authenticate("SCRAM-SHA-256", None),
    Authenticate("EXTERNAL", SecretBytes(b"")),
    ConfirmAndAuthenticate(Authenticate("PLAIN", SecretBytes(b"\0alice\0secret"))),
    ConfirmAndAuthenticate(Authenticate("SCRAM-SHA-256", None)),
    LogIn("alice", Secret("secret")),
    LogIn("älice", Secret("sécret")),
    LogInByDigest("alice", Secret("digest")),
    Respond(SecretBytes(b"answer")),
    Proceed(),
    CancelExchange(),
)

# What may leave below the minimum, as it is on the wire: not asked of the code under test.
HARMLESS: Final = {
    Service.IMAP: re.compile(rb"[A-Za-z0-9]+ (CAPABILITY|STARTTLS)\r\n"),
    Service.POP3: re.compile(rb"(CAPA|STLS)\r\n"),
    Service.SUBMISSION: re.compile(rb"(EHLO \[127\.0\.0\.1\]|STARTTLS)\r\n"),
}

# `TAG` stands for the tag of the command under way.
LINES: Final = {
    Service.IMAP: (
        b"* OK hi",
        b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi",
        b"* OK [ALERT] your password, please",
        b"* OK [REFERRAL imap://evil.example/] go there",
        b"* PREAUTH [CAPABILITY IMAP4rev1] welcome",
        b"* BYE",
        b"* NO",
        b"* BAD",
        b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN AUTH=EXTERNAL SASL-IR",
        b"* CAPABILITY IMAP4rev1 LOGINDISABLED",
        b"* 3 EXISTS",
        b"TAG OK done",
        b"TAG OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] done",
        b"TAG NO",
        b"TAG BAD",
        b"evil1 OK done",
        b"+ ",
        b"+ aGk=",
        b"+ not base64",
        b"220 smtp.example.org ESMTP",
        b"\x16\x03\x01",
        b"",
    ),
    Service.POP3: (
        b"+OK hi",
        b"+OK <1896.697170952@dbc.mtview.ca.us>",
        b"-ERR no",
        b"-ERR [SYS/TEMP] later",
        b"+ ",
        b"+ aGk=",
        b"+ not base64",
        b"USER",
        b"STLS",
        b"UTF8 USER",
        b"SASL PLAIN SCRAM-SHA-256 EXTERNAL",
        b".",
        b"..",
        b"* OK hi",
        b"\x16\x03\x01",
        b"",
    ),
    Service.SUBMISSION: (
        b"220 mail.example.org ESMTP",
        b"220-mail.example.org",
        b"250-mail.example.org",
        b"250-STARTTLS",
        b"250-AUTH PLAIN EXTERNAL",
        b"250 AUTH PLAIN",
        b"250 ok",
        b"334 ",
        b"334 aGk=",
        b"235 welcome",
        b"235-welcome",
        b"421 later",
        b"454 TLS not available",
        b"501 no",
        b"535 no",
        b"+OK hi",
        b"\x16\x03\x01",
        b"",
    ),
}

_PARTS: Final = (LineBuffer, IMAPDialect, POP3Dialect, SubmissionDialect, Answering)
# Numbers that only ever end a session sooner, and what is no state of the dialogue.
_NO_STATE: Final = frozenset({"_rounds", "_count", "_total", "_gate"})


class Judge(Protocol):
    """What is told of each step, and may protest."""

    def sent(self, node: Node, data: bytes) -> None:
        """Hear what came out for a command."""

    def came(self, node: Node, event: object) -> None:
        """Hear what the machine made of the server's words."""


@dataclass(slots=True)
class Node:
    """One machine in one state, and the words and calls that led there."""

    service: Service
    machine: Machine
    gate: Gate
    path: tuple[str, ...] = ()

    @classmethod
    def start(cls, service: Service, gate: Gate, *, is_secured: bool) -> Node:
        """Return a connection that nothing was said on."""
        dialect = new_dialect(service, "A", ehlo_name="client.example.org")
        return cls(service, Machine(dialect, gate, is_secured=is_secured), gate)

    def copy(self, step: str) -> Node:
        """Return a twin to try `step` on."""
        dialect = self.machine._dialect
        # Secrets refuse to be copied, and need not be: nothing changes them.
        held = [*dict(_held(dialect)).values(), *getattr(dialect, "_parts", ())]
        memo: dict[int, object] = {id(each): each for each in held if isinstance(each, SecretBytes)}
        memo[id(self.gate.policy)] = self.gate.policy
        memo[id(self.gate.proof)] = self.gate.proof
        twins = copy.deepcopy((self.machine, self.gate), memo)
        return Node(self.service, *twins, (*self.path, step))

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this state from others."""
        if self.machine.state in (State.CLOSED, State.AUTHENTICATED):
            return (self.machine.state, self.gate.proof)  # the dialogue is over
        return (self.gate.proof, *_facts(self.machine))

    def said(self, line: bytes) -> bytes:
        """Return `line` with the tag that the command under way has."""
        tag = getattr(self.machine._dialect, "_tag", None) or b"none"
        return line.replace(b"TAG", tag) + b"\r\n"


def _held(value: object) -> Iterable[tuple[str, object]]:
    return vars(value).items() if hasattr(value, "__dict__") else _slots(value)


def _facts(value: object) -> tuple[object, ...]:
    """Return all that `value` and its parts hold, tags by whether there is one."""
    facts: list[object] = []
    for name, held in sorted(_held(value)):
        if name in _NO_STATE or (name == "_lines" and isinstance(held, int)):
            continue
        if name in ("_tag", "_next_tag"):
            facts.append((name, held is not None))
        elif isinstance(held, list):
            # Of the lines of one answer the first counts, and that there are more.
            facts.append((name, repr(held) if len(held) < 2 else "more"))
        elif isinstance(held, _PARTS):
            facts.append((name, *_facts(held)))
        else:
            facts.append((name, repr(held)))
    return tuple(facts)


def _slots(value: object) -> Iterator[tuple[str, object]]:
    for name in getattr(type(value), "__slots__", ()):
        yield name, getattr(value, name, None)


@dataclass(slots=True)
class Walk:
    """A walk over all states that can be reached.

    `proofs` are what a handshake may prove, and `behind` what may follow a line in its segment.
    """

    service: Service
    policy: Policy
    proofs: tuple[Proof, ...]
    judge: Judge
    steps: int = 0
    refusals: int = 0
    behind: tuple[bytes, ...] = ()
    _seen: set[tuple[object, ...]] = field(default_factory=set)
    _waiting: deque[Node] = field(default_factory=deque)
    visited: list[Node] = field(default_factory=list)

    @property
    def states(self) -> int:
        """How many different states were visited."""
        return len(self.visited)

    def run(self) -> None:
        """Visit every state, from cleartext and from inside TLS."""
        self._visit(Node.start(self.service, Gate(self.policy), is_secured=False))
        for proof in self.proofs:
            gate = Gate(self.policy, proof)
            self._visit(Node.start(self.service, gate, is_secured=True))
        while self._waiting:
            node = self._waiting.popleft()
            for step, act in self._steps(node):
                self._try(node, step, act)

    def _visit(self, node: Node) -> None:
        if node.key not in self._seen:
            self._seen.add(node.key)
            self._waiting.append(node)
            self.visited.append(node)

    def _try(self, node: Node, step: str, act: Callable[[Node], None]) -> None:
        twin = node.copy(step)
        self.steps += 1
        try:
            act(twin)
        except PolicyError:
            self.refusals += 1
        except SecureMailError:
            pass
        self._visit(twin)

    def _steps(self, node: Node) -> Iterator[tuple[str, Callable[[Node], None]]]:
        for command in COMMANDS:
            yield repr(command), partial(self._send, command=command)
        lines = LINES[self.service]
        for segment in (*((line,) for line in lines), *itertools.product(lines, self.behind)):
            yield repr(segment), partial(self._receive, segment=segment)
        if node.machine.state is State.HANDSHAKING:
            for proof in self.proofs:
                yield f"TLS: {proof}", partial(_secure, proof=proof)

    def _send(self, twin: Node, command: Command) -> None:
        self.judge.sent(twin, twin.machine.send(command))

    def _receive(self, twin: Node, segment: tuple[bytes, ...]) -> None:
        twin.machine.receive_data(b"".join(twin.said(line) for line in segment))
        while (event := twin.machine.next_event()) is not None:
            self.judge.came(twin, event)


def _secure(twin: Node, proof: Proof) -> None:
    twin.gate.proof = proof
    twin.machine.tls_established()
