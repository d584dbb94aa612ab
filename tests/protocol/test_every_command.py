"""Every command of every protocol, behind a closed gate, whatever the dialogue has come to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, get_args

import pytest

from securemail.errors import PolicyError, UsageError
from securemail.intent import Intent
from securemail.minimum import Policy
from securemail.policy.gate import Gate
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Command,
    Dialect,
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
from tests.values import UNVALIDATED_PROOF

COMMANDS: Final[tuple[Command, ...]] = (
    Discover(),
    StartTLS(),
    EnableUTF8(),
    Authenticate("PLAIN", SecretBytes(b"\0alice\0secret")),
    LogIn("alice", Secret("secret")),
    LogInByDigest("alice", Secret("digest")),
    Respond(SecretBytes(b"x")),
    Proceed(),
    CancelExchange(),
)
DIALECTS: Final[dict[str, tuple[Callable[[], Dialect], bytes]]] = {
    "IMAP": (lambda: IMAPDialect("T"), b"* OK hi\r\n"),
    "POP3": (POP3Dialect, b"+OK hi <1.2@mail.example.org>\r\n"),
    "submission": (lambda: SubmissionDialect(""), b"220 hi\r\n"),
}
HARMLESS: Final = {Discover: Intent.DISCOVER, StartTLS: Intent.UPGRADE}


def test_every_command_is_here_and_says_what_it_is_for() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Command))
    for command in COMMANDS:
        assert command.intent is HARMLESS.get(type(command), Intent.AUTHENTICATE)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("is_secured", [False, True], ids=["cleartext", "bad TLS"])
@pytest.mark.parametrize("protocol", DIALECTS)
def test_below_the_minimum_no_command_but_discovery_and_upgrade_makes_a_byte(
    protocol: str, is_secured: bool, state: State, command: Command
) -> None:
    new, greeting = DIALECTS[protocol]
    gate = Gate(Policy(), UNVALIDATED_PROOF if is_secured else None)
    machine = Machine(new(), gate, is_secured=is_secured)
    machine.receive_data(greeting)
    machine.next_event()
    machine.state = state
    if type(command) in HARMLESS:
        with suppress(UsageError):  # not its turn
            machine.send(command)
        return
    with pytest.raises(PolicyError):
        machine.send(command)
    assert machine.state is state
