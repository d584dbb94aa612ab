"""The verdict on a client, any client, and the forms in which a secret is looked for."""

from __future__ import annotations

import base64
import quopri
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import Service
from securemail.testing import Await, Expect
from securemail.testing.attacks import (
    ATTACKS,
    GROUPS,
    HARMLESS,
    Attack,
    Ended,
    Seen,
    Verdict,
    forms_in,
    judge,
)

SECRET = b"c4naryXpassw0rd"
STRIPPED = ATTACKS["IMAP, STARTTLS: the upgrade is answered with NO"]
BAD_CERTIFICATE = ATTACKS["IMAP, implicit TLS: a certificate with an end that is past"]
HONEST = ATTACKS["IMAP, STARTTLS: an alert in the greeting, and an honest login"]
BROKEN_LOGIN = ATTACKS["IMAP, implicit TLS: BYE, instead of a welcome"]
UPGRADE = b"1 CAPABILITY\r\n2 STARTTLS\r\n"
LOGIN = b"3 LOGIN alice " + SECRET + b"\r\n"
IN_BASE64 = b"3 AUTHENTICATE PLAIN " + base64.b64encode(b"\0alice\0" + SECRET) + b"\r\n"


@pytest.mark.parametrize(
    ("attack", "ended", "seen", "verdict"),
    [
        (STRIPPED, Ended.FAILED, Seen((UPGRADE,)), Verdict.HELD),
        (STRIPPED, Ended.HUNG, Seen((UPGRADE,)), Verdict.HUNG),
        (STRIPPED, Ended.FAILED, Seen((b"1 ID (name x)\r\n",)), Verdict.TALKED),
        (STRIPPED, Ended.SUCCEEDED, Seen((UPGRADE,)), Verdict.BELIEVED),
        (STRIPPED, Ended.FAILED, Seen((UPGRADE, UPGRADE + LOGIN)), Verdict.LEAKED),
        (STRIPPED, Ended.FAILED, Seen((UPGRADE + IN_BASE64,)), Verdict.LEAKED),
        (BAD_CERTIFICATE, Ended.FAILED, Seen((b"",)), Verdict.HELD),
        (BAD_CERTIFICATE, Ended.FAILED, Seen((b"",), LOGIN), Verdict.LEAKED),
        (BAD_CERTIFICATE, Ended.FAILED, Seen((b"",), b"", b"DER"), Verdict.LEAKED),
        (BROKEN_LOGIN, Ended.FAILED, Seen((b"",), LOGIN), Verdict.HELD),
        (BROKEN_LOGIN, Ended.SUCCEEDED, Seen((b"",), LOGIN), Verdict.BELIEVED),
        (HONEST, Ended.SUCCEEDED, Seen((UPGRADE,), LOGIN), Verdict.HELD),
    ],
)
def test_the_verdict_is_the_worst_of_what_is_true(
    attack: Attack, ended: Ended, seen: Seen, verdict: Verdict
) -> None:
    assert judge(attack, ended, seen, [SECRET]) is verdict


@pytest.mark.parametrize("service", Service)
def test_a_login_is_never_harmless(service: Service) -> None:
    for line in (LOGIN, IN_BASE64, b"USER alice\r\n", b"AUTH PLAIN\r\n", b"MAIL FROM:<a@b>\r\n"):
        assert not re.fullmatch(HARMLESS[service], line)


@given(
    st.binary(max_size=5),
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=20),
    st.binary(max_size=5),
)
def test_a_secret_is_found_in_every_form_wherever_it_stands(
    before: bytes, text: str, after: bytes
) -> None:
    secret = text.encode()
    for written in (
        before + secret + after,
        base64.b64encode(before + secret + after),
        base64.urlsafe_b64encode(before + secret + after),
        (before + secret + after).hex().encode(),
        quote(before + secret + after).encode() if quote(text) == quote(text, safe="") else secret,
        repr(secret).encode(),
        repr(text).encode(),
        quopri.encodestring(secret, quotetabs=True),
    ):
        assert forms_in(written, secret), written


def test_a_secret_that_is_not_there_is_not_found() -> None:
    assert not forms_in(b"c4naryXpassw0r" + base64.b64encode(b"c4nary"), SECRET)


def test_every_attack_can_be_played_to_a_client_that_looks_before_it_upgrades() -> None:
    """No script knows the tags of ours, or the order of what we say."""
    for attack in ATTACKS.values():
        assert not any(isinstance(step, Expect) for step in attack.script), attack.id
        waits = any(isinstance(step, Await) for step in attack.script)
        assert waits or not attack.may_leave, attack.id


def test_every_attack_says_where_it_is_described_or_is_our_own() -> None:
    described = [attack for attack in ATTACKS.values() if attack.source]
    assert len(described) > 500


def test_the_documents_count_the_attacks_as_they_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "hostile.md").read_text()
    for name, group in GROUPS.items():
        assert f"| {name} | {len(group)} |" in text
    names = {attack.name for attack in ATTACKS.values()}
    assert f"{len(ATTACKS)} by protocol and mode, {len(names)} different ones" in text
