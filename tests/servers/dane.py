"""The signed DNS of a Dovecot: where its services are, and what certificates they may show."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from dns.rdatatype import TLSA

from securemail import (
    Account,
    DNSTrust,
    Endpoint,
    Password,
    Policy,
    Resolver,
    Service,
    TLSMode,
    TrustStore,
)
from securemail.testing.dns.authority import Authority
from securemail.testing.dns.zone import Denial, Signing, make_zone
from tests.servers import dovecot_files, pki
from tests.servers.dovecot import DovecotWorld
from tests.servers.nsd import DNSWorld, dns_world
from tests.servers.zones import name, spoil
from tests.tls.test_dane import record

OLD: Final = f"3 1 1 {'ab' * 32}"
# A certificate of another authority: what an account trusts that does not know Dovecot's.
STRANGER: Final = pki.authority("An authority that issued nothing")
SERVICES: Final = {
    ("_imaps", "imaps_port"): (Service.IMAP, TLSMode.IMPLICIT),
    ("_imap", "imap_port"): (Service.IMAP, TLSMode.STARTTLS),
    ("_pop3s", "pop3s_port"): (Service.POP3, TLSMode.IMPLICIT),
    ("_pop3", "pop3_port"): (Service.POP3, TLSMode.STARTTLS),
    ("_submissions", "submissions_port"): (Service.SUBMISSION, TLSMode.IMPLICIT),
    ("_submission", "submission_port"): (Service.SUBMISSION, TLSMode.STARTTLS),
}
WAYS: Final = tuple(SERVICES.values())


@dataclass(frozen=True, slots=True)
class DaneWorld:
    """A Dovecot and its DNS. Each host `NAME.dane.test` has its own TLSA records.

    The mail domain `NAME.mail.test` has its services there; so has `open.test`, which is not
    signed, at `ee`, and `bogus.test`, whose signatures are wrong.
    """

    dovecot: DovecotWorld
    dns: DNSWorld

    def resolver(self, trust: DNSTrust = DNSTrust.VALIDATE) -> Resolver:
        """Return a resolver over unbound that has learnt nothing yet."""
        return Resolver([self.dns.server], trust=trust, anchor=self.dns.anchor)

    def account(
        self,
        host: str,
        way: tuple[Service, TLSMode],
        *,
        trusted: bool = False,
        policy: Policy | None = None,
    ) -> Account:
        """Return alice's account at one service of a host.

        `trusted` is whether it knows the authority that issued Dovecot's certificate.
        """
        service, tls = way
        port = next(
            getattr(self.dovecot, key[1]) for key, value in SERVICES.items() if value == way
        )
        endpoint = Endpoint(f"{host}.dane.test", port, tls)
        return Account(
            "alice@ee.mail.test",
            imap=endpoint if service is Service.IMAP else None,
            pop3=endpoint if service is Service.POP3 else None,
            submission=endpoint if service is Service.SUBMISSION else None,
            credentials=self.credentials,
            trust=self.trust(trusted=trusted),
            policy=policy or Policy(),
        )

    @property
    def credentials(self) -> Password:
        """Alice's."""
        return Password("alice", self.dovecot.passwords["alice"])

    def trust(self, *, trusted: bool) -> TrustStore:
        """Return a store with the authority of Dovecot's certificate, or with a stranger only."""
        return TrustStore.from_pem(self.dovecot.ca_pem if trusted else STRANGER.certificate_pem)


@contextlib.contextmanager
def dane_world(dovecot: DovecotWorld) -> Iterator[DaneWorld]:
    """Put a DNS in front of a Dovecot."""
    with dns_world(_authority(dovecot)) as names:
        yield DaneWorld(dovecot, names)


def _authority(dovecot: DovecotWorld) -> Authority:
    records = _tlsa(dovecot)
    domains = [_srv(dovecot, f".{host}", host) for host in [*records, "alias"]]
    world = Authority.of(
        [
            make_zone(".", ""),
            make_zone("test.", ""),
            make_zone("dane.test.", _hosts(dovecot, records), Signing(denial=Denial.NSEC3)),
            make_zone("mail.test.", "".join(domains)),
            make_zone("open.test.", _srv(dovecot, "", "ee"), Signing(denial=Denial.NONE)),
            make_zone("bogus.test.", _srv(dovecot, "", "ee")),
        ]
    )
    for key in world.zones[name("bogus.test.")].signatures:
        spoil(world, "bogus.test.", key)
    for owner, rdtype in world.zones[name("dane.test.")].signatures:
        if rdtype == TLSA and b"forged" in owner.labels:
            spoil(world, "dane.test.", (owner, rdtype))
    return world


def _tlsa(dovecot: DovecotWorld) -> dict[str, list[str]]:
    pem = (dovecot.directory / "pki" / f"{dovecot_files.DANE_HOST}.pem").read_bytes()
    own = x509.load_pem_x509_certificate(pem)
    ca = dovecot.ca_pem
    leaf = own.public_bytes(Encoding.PEM)
    return {
        "pkix-ta": [str(record(0, ca))],
        "pkix-ee": [str(record(1, leaf))],
        "ta": [str(record(2, ca))],
        "ee": [str(record(3, leaf))],
        "roll": [OLD, str(record(3, leaf))],
        "wrong": [OLD],
        "forged": [str(record(3, leaf))],
        "plain": [],
    }


def _hosts(dovecot: DovecotWorld, records: dict[str, list[str]]) -> str:
    lines = ["alias CNAME ee\n"]
    for host, tlsa in records.items():
        lines.append(f"{host} A {dovecot.address}\n")
        ports = [_port(dovecot, key) for key in SERVICES]
        lines += [f"_{port}._tcp.{host} TLSA {each}\n" for port in ports for each in tlsa]
    return "".join(lines)


def _srv(dovecot: DovecotWorld, below: str, host: str) -> str:
    return "".join(
        f"{key[0]}._tcp{below} SRV {place} 0 {_port(dovecot, key)} {host}.dane.test.\n"
        for place, key in enumerate(SERVICES)
    )


def _port(dovecot: DovecotWorld, key: tuple[str, str]) -> int:
    port: int = getattr(dovecot, key[1])
    return port
