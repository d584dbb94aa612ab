"""One small signed world in memory, and a look-up in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Final

import dns.message
import dns.name
import dns.rdatatype
from dns.rdatatype import RdataType

from securemail.discovery.dnssec import Found, Question, look_up
from securemail.discovery.dnssec_anchor import Anchors
from securemail.testing.dns.authority import Authority
from securemail.testing.dns.keys import Key
from securemail.testing.dns.zone import DAY_S, Denial, Signing, make_zone

NOW: Final = int(time.time())

HOSTS = """
mail A 127.0.0.1
mail AAAA ::1
_993._tcp.mail TLSA 3 1 1 {digest}
_imaps._tcp SRV 0 1 993 mail
alias CNAME mail
abroad CNAME mail.nsec3.test.
wild.card A 127.0.0.2
*.card A 127.0.0.3
*.away CNAME mail
dname DNAME nsec3.test.
loop CNAME pool
pool CNAME loop
empty.inside A 127.0.0.4
""".replace("{digest}", "ab" * 32)

BIG = "".join(f"big A 127.1.0.{number}\n" for number in range(100))

Answerer = Callable[[Question], dns.message.Message]
Change = Callable[[dns.message.Message], None]


@cache
def world() -> Authority:
    """Return the world; nothing in it changes."""
    old = NOW - 100 * DAY_S
    return Authority.of(
        [
            make_zone(".", ""),
            make_zone("test.", "ns A 127.0.0.53\n"),
            make_zone("nsec.test.", HOSTS + BIG + "insecure CNAME mail.unsigned.test.\n"),
            make_zone("nsec3.test.", HOSTS, Signing(denial=Denial.NSEC3, salt=b"\xab\xcd")),
            make_zone("optout.test.", HOSTS, Signing(denial=Denial.OPT_OUT)),
            make_zone("child.optout.test.", HOSTS, Signing(denial=Denial.NONE)),
            make_zone("safe.optout.test.", HOSTS),
            make_zone("unsigned.test.", HOSTS, Signing(denial=Denial.NONE)),
            make_zone("below.unsigned.test.", HOSTS),
            make_zone("unsigned.nsec3.test.", HOSTS, Signing(denial=Denial.NONE)),
            make_zone("costly.test.", HOSTS, Signing(denial=Denial.NSEC3, iterations=51)),
            make_zone("dear.test.", HOSTS, Signing(denial=Denial.NSEC3, iterations=50)),
            make_zone("sha1.test.", HOSTS, Signing(keys=(Key(5),))),
            make_zone("strange.test.", HOSTS, Signing(keys=(Key(250),))),
            make_zone("expired.test.", HOSTS, Signing(inception=old, expiration=old + DAY_S)),
            make_zone("future.test.", HOSTS, Signing(inception=NOW + 9)),
        ]
    )


def answers(question: Question) -> dns.message.Message:
    """Answer as an honest resolver does: through the wire format."""
    return dns.message.from_wire(
        world().answer(question.name, question.rdtype).to_wire(max_size=65535)
    )


def find(name: str, rdtype: str = "A", answer: Answerer = answers, now: int = NOW) -> Found:
    """Run a look-up to its end."""
    steps = look_up(
        dns.name.from_text(name),
        dns.rdatatype.from_text(rdtype),
        anchors=Anchors.from_text(world().anchor),
        now=now,
    )
    question = next(steps)
    try:
        while True:
            question = steps.send(answer(question))
    except StopIteration as end:
        found: Found = end.value
        return found


def question(text: str) -> Question:
    name, rdtype = text.split()
    return Question(dns.name.from_text(name), RdataType.make(rdtype))


def changing(changed: str, change: Change) -> Answerer:
    """Answer honestly, but for one question."""
    target = question(changed)

    def answer(asked: Question) -> dns.message.Message:
        message = answers(asked)
        if asked == target:
            change(message)
        return message

    return answer
