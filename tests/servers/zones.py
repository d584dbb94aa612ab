"""A signed world with all that a validator must tell apart, as zones for NSD."""

from __future__ import annotations

import time
from functools import cache
from typing import Final

import dns.name
import dns.rdata
from dns.dnssectypes import Algorithm
from dns.name import Name
from dns.rdatatype import TLSA, RdataType
from dns.rdtypes.ANY.RRSIG import RRSIG

from securemail.testing.dns.authority import Authority
from securemail.testing.dns.keys import KSK, ZSK, Key
from securemail.testing.dns.zone import DAY_S, Denial, Signing, make_zone, rrset_of

NOW: Final = int(time.time())

# In every zone. What `abroad` and `chain` lead to is elsewhere, and may be less sure.
HOSTS: Final = """
@ MX 10 mail
@ TXT "v=spf1 -all"
mail A 127.77.1.1
mail AAAA ::1
_993._tcp.mail TLSA 3 1 1 {one}
_465._tcp.mail TLSA 3 1 1 {one}
_465._tcp.mail TLSA 3 1 1 {two}
_imaps._tcp SRV 0 1 993 mail
_pop3s._tcp SRV 0 0 0 .
alias CNAME mail
abroad CNAME mail.nsec3.test.
away CNAME alias.unsigned.test.
chain CNAME abroad.unsigned.test.
broken CNAME mail.bogus.test.
nowhere CNAME nope.nsec.test.
wild.card A 127.77.1.2
*.card A 127.77.1.3
*.card TXT "wild"
*.far CNAME abroad
dname DNAME nsec3.test.
empty.inside A 127.77.1.4
""".replace("{one}", "ab" * 32).replace("{two}", "cd" * 32)

NAMES: Final = (
    "@",
    "mail",
    "_993._tcp.mail",
    "_465._tcp.mail",
    "_1._tcp.mail",
    "_imaps._tcp",
    "_pop3s._tcp",
    "_imap._tcp",
    "alias",
    "abroad",
    "away",
    "chain",
    "broken",
    "nowhere",
    "wild.card",
    "x.wild.card",
    "x.card",
    "x.y.card",
    "*.card",
    "x.far",
    "dname",
    "mail.dname",
    "nope.dname",
    "inside",
    "x.inside",
    "nope",
    "below.nope",
)
TYPES: Final = ("A", "AAAA", "MX", "SRV", "TLSA", "CNAME", "NS", "SOA", "DS", "DNSKEY", "CAA")

_OLD: Final = NOW - 100 * DAY_S
_RSA: Final = (Key(Algorithm.RSASHA256), Key(Algorithm.RSASHA256, ZSK))
# Two keys of each kind: the new KSK has its DS already, the new ZSK is published (RFC 6781 4.1).
_ROLL: Final = (Key(), Key(number=2), Key(flags=ZSK), Key(flags=ZSK, number=2, is_active=False))
# From one algorithm to another, everything signed with both (RFC 6781 section 4.1.4).
_ALGORITHMS: Final = tuple(
    Key(algorithm, flags)
    for algorithm in (Algorithm.RSASHA256, Algorithm.ED25519)
    for flags in (KSK, ZSK)
)

SIGNINGS: Final = {
    "test.": Signing(),
    "nsec.test.": Signing(),
    "nsec3.test.": Signing(denial=Denial.NSEC3, salt=b"\xab\xcd"),
    "optout.test.": Signing(denial=Denial.OPT_OUT),
    "child.optout.test.": Signing(denial=Denial.NONE),
    "safe.optout.test.": Signing(),
    "unsigned.test.": Signing(denial=Denial.NONE),
    "below.unsigned.test.": Signing(),
    "unsigned.nsec3.test.": Signing(denial=Denial.NONE),
    "dear.test.": Signing(denial=Denial.NSEC3, iterations=50),
    "costly.test.": Signing(denial=Denial.NSEC3, iterations=200),
    "rsa.test.": Signing(keys=_RSA, denial=Denial.NSEC3),
    "ed25519.test.": Signing(keys=(Key(Algorithm.ED25519),)),
    "roll.test.": Signing(keys=_ROLL),
    "algorithms.test.": Signing(keys=_ALGORITHMS),
    "strange.test.": Signing(keys=(Key(250),)),
    "expired.test.": Signing(inception=_OLD, expiration=_OLD + DAY_S),
    "future.test.": Signing(inception=NOW + DAY_S),
    "bogus.test.": Signing(denial=Denial.NSEC3),
    "stranger.test.": Signing(),
}


@cache
def authority() -> Authority:
    """Return the world; nothing in it changes."""
    zones = {each: make_zone(each, HOSTS, signing) for each, signing in SIGNINGS.items()}
    # The parent has the DS of a key that the zone does not have.
    other = make_zone("stranger.test.", "", Signing(keys=(Key(number=9),)))
    zones["test."].add(other.ds())
    world = Authority.of([make_zone(".", "", Signing(keys=_RSA)), *zones.values()])
    for key in world.zones[name("bogus.test.")].signatures:
        spoil(world, "bogus.test.", key)
    # In a zone that is in order otherwise.
    spoil(world, "nsec.test.", (name("_465._tcp.mail.nsec.test."), TLSA))
    return world


def spoil(world: Authority, zone: str, key: tuple[Name, RdataType]) -> None:
    """Make the signatures on some records of a zone wrong."""
    signatures = world.zones[name(zone)].signatures
    signatures[key] = rrset_of(key[0], *(_spoilt(each) for each in signatures[key]))


def name(text: str, zone: str = ".") -> Name:
    """Return a name; "@" is the zone's own."""
    return dns.name.from_text(text, dns.name.from_text(zone))


def _spoilt(signature: dns.rdata.Rdata) -> dns.rdata.Rdata:
    assert isinstance(signature, RRSIG)
    return signature.replace(
        signature=signature.signature[:-1] + bytes([signature.signature[-1] ^ 1])
    )
