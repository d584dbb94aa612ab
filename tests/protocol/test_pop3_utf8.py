"""UTF-8 mode in the POP3 dialogue, byte for byte (RFC 6856)."""

from __future__ import annotations

import pytest

from securemail.account import Service
from securemail.errors import ConnectError, UsageError
from securemail.protocol.dialects import new_dialect
from securemail.protocol.dialogue import (
    Authenticate,
    EnableUTF8,
    LoggedIn,
    Refused,
    StartTLS,
    State,
    UTF8Enabled,
)
from securemail.protocol.machine import Machine
from securemail.protocol.pop3 import POP3Dialect
from securemail.secret import SecretBytes
from tests.protocol.gates import open_gate
from tests.protocol.test_pop3_dialogue import asked, fresh, ready, say

PLAIN = Authenticate("PLAIN", SecretBytes(b"\0alice\0secret"))


def test_utf8_is_asked_for_before_the_login_and_kept_after_it() -> None:
    pop3 = ready()
    assert pop3.send(EnableUTF8()) == b"UTF8\r\n"
    assert not pop3.is_utf8
    assert say(pop3, b"+OK welcome\r\n") == UTF8Enabled()
    pop3.send(PLAIN)
    assert say(pop3, b"+OK in\r\n") == LoggedIn()
    assert pop3.is_utf8


def test_a_refused_utf8_leaves_the_login_open() -> None:
    pop3 = asked(EnableUTF8())
    assert say(pop3, b"-ERR [SYS/TEMP] not now\r\n") == Refused("[SYS/TEMP] not now")
    assert not pop3.is_utf8
    pop3.send(PLAIN)
    assert say(pop3, b"+OK in\r\n") == LoggedIn()
    assert not pop3.is_utf8


def test_stls_does_not_follow_utf8() -> None:
    pop3 = asked(EnableUTF8(), is_secured=False)
    say(pop3, b"+OK\r\n")
    with pytest.raises(UsageError, match="not after UTF8"):
        pop3.send(StartTLS())
    assert pop3.state is State.READY


def test_stls_may_follow_a_refused_utf8() -> None:
    pop3 = asked(EnableUTF8(), is_secured=False)
    say(pop3, b"-ERR\r\n")
    assert pop3.send(StartTLS()) == b"STLS\r\n"


@pytest.mark.parametrize(
    ("capabilities", "is_offered", "login_takes_it"),
    [
        ({"UTF8"}, True, False),
        ({"UTF8 USER"}, True, True),
        ({"UTF8 X-OTHER USER"}, True, True),
        ({"UTF8 USERS"}, True, False),
        ({"UTF8X USER", "X UTF8"}, False, False),
        ({"USER"}, False, False),
        ((), False, False),
    ],
)
def test_what_is_offered_is_what_stands_behind_utf8(
    capabilities: set[str], is_offered: bool, login_takes_it: bool
) -> None:
    dialect = POP3Dialect()
    assert dialect.offers_utf8(frozenset(capabilities)) == is_offered
    assert dialect.login_takes_utf8(frozenset(capabilities)) == login_takes_it


def test_nothing_is_offered_before_it_was_asked() -> None:
    assert not fresh().offers_utf8
    assert not fresh().login_takes_utf8


@pytest.mark.parametrize("service", [Service.IMAP, Service.SUBMISSION])
def test_other_protocols_have_no_utf8_before_the_login(service: Service) -> None:
    dialect = new_dialect(service, "T", ehlo_name="")
    assert not dialect.offers_utf8(frozenset({"UTF8", "UTF8 USER", "UTF8=ACCEPT", "SMTPUTF8"}))
    machine = Machine(dialect, open_gate)
    machine.state = State.READY
    with pytest.raises(UsageError):
        machine.send(EnableUTF8())
    assert machine.state is State.READY


def test_a_server_may_take_its_leave_at_utf8() -> None:
    pop3 = ready()
    pop3.receive_data(b"-ERR autologout\r\n")
    with pytest.raises(ConnectError, match="autologout"):
        pop3.send(EnableUTF8())
