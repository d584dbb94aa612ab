"""The name that a client says of itself, below the minimum."""

from __future__ import annotations

from securemail.minimum import Policy
from securemail.policy.gate import Gate
from securemail.protocol.dialogue import Discover
from securemail.protocol.machine import Machine
from securemail.protocol.submission import SubmissionDialect
from tests.protocol.test_submission_dialogue import GREETING, say
from tests.values import UNVALIDATED_PROOF


def test_inside_tls_below_the_minimum_the_configured_name_is_not_said() -> None:
    smtp = Machine(SubmissionDialect("laptop.example.org"), Gate(Policy(), UNVALIDATED_PROOF))
    smtp.tls_established()
    say(smtp, GREETING)
    assert smtp.send(Discover()) == b"EHLO [127.0.0.1]\r\n"
