"""Whose certificate it is: names, their kinds, and hostile ones."""

from __future__ import annotations

import ipaddress
import time

import pytest
from cryptography import x509

from securemail import CertificateError, CertificateReason, IdentityKind
from securemail.proof import Identity
from securemail.tls.identity import match_identity, names_of, reference_identities
from tests.tls.chains import LEAF, ROOT, SRV_NAME, Cert, make, srv, tlv
from tests.tls.memory import HOST, MemoryServer, engine, shake_hands, show

DNS, SRV, IP = IdentityKind.DNS_ID, IdentityKind.SRV_ID, IdentityKind.IP_ID
BY_SRV = reference_identities([HOST], is_address=False, srv_id="_imaps.example.org")


def certificate(names: tuple[x509.GeneralName, ...] | bytes | None) -> x509.Certificate:
    return make(Cert(names=names), ROOT).certificates[0]


def dns(*names: str) -> tuple[x509.GeneralName, ...]:
    """Return dNSNames that cryptography itself would not write."""
    return tuple(x509.DNSName._init_without_validation(name) for name in names)


def ip(address: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_address(address))


def matched(names: tuple[x509.GeneralName, ...] | bytes | None, host: str = HOST) -> bool:
    is_address = ":" in host or host.replace(".", "").isdigit()
    wanted = reference_identities([host], is_address=is_address)
    return match_identity(certificate(names), wanted) == wanted[0]


@pytest.mark.parametrize(
    ("presented", "host", "fits"),
    [
        ("mail.example.org", "mail.example.org", True),
        ("MAIL.Example.ORG", "mail.example.org", True),
        ("example.org", "mail.example.org", False),
        ("mail.example.org.", "mail.example.org", False),
        (".mail.example.org", "mail.example.org", False),
        (" mail.example.org", "mail.example.org", False),
        ("mail.example.org\0", "mail.example.org", False),
        ("mail.example.org\0.evil.example", "mail.example.org", False),
        ("", "mail.example.org", False),
        (".", "mail.example.org", False),
        ("localhost", "localhost", True),
        # wildcards: one whole label, the left-most, and nothing else
        ("*.example.org", "mail.example.org", True),
        ("*.EXAMPLE.org", "mail.example.org", True),
        ("*.example.org", "a.mail.example.org", False),
        ("*.example.org", "example.org", False),
        ("*.example.org.", "mail.example.org", False),
        ("m*.example.org", "mail.example.org", False),
        ("*l.example.org", "mail.example.org", False),
        ("m*l.example.org", "mail.example.org", False),
        ("mail.*.org", "mail.example.org", False),
        ("*.*.org", "mail.example.org", False),
        ("*.*", "example.org", False),
        ("**.example.org", "mail.example.org", False),
        ("*.org", "example.org", False),
        ("*.org", "mail.example.org", False),
        ("*", "localhost", False),
        ("*.", "localhost", False),
        ("*", "mail.example.org", False),
        # internationalised names: A-labels on both sides
        ("xn--bcher-kva.example", "xn--bcher-kva.example", True),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example", True),
        ("bücher.example", "xn--bcher-kva.example", False),
        ("*.bcher.example", "xn--mail-bcher.example", False),
        ("xn--*.example.org", "xn--bcher-kva.example.org", False),
        ("*.example.org", "xn--bcher-kva.example.org", True),
        ("mail.example.or\N{KELVIN SIGN}", "mail.example.ork", False),
        # an address in a dNSName is no name of an address, and none of a host
        ("192.0.2.1", "192.0.2.1", False),
        ("*.0.2.1", "192.0.2.1", False),
        ("2001:db8::1", "2001:db8::1", False),
    ],
)
def test_a_dns_name_is_for_a_host_or_it_is_not(presented: str, host: str, fits: bool) -> None:
    assert matched(dns(presented), host) == fits


@pytest.mark.parametrize(
    ("presented", "host", "fits"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.2", "192.0.2.1", False),
        ("2001:db8::1", "2001:db8::1", True),
        ("2001:db8::2", "2001:db8::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", False),
        ("192.0.2.1", "mail.example.org", False),
    ],
)
def test_an_address_is_compared_octet_by_octet(presented: str, host: str, fits: bool) -> None:
    assert matched((ip(presented),), host) == fits


@pytest.mark.parametrize(
    "name",
    [
        x509.UniformResourceIdentifier(f"imap://{HOST}"),
        x509.UniformResourceIdentifier(HOST),
        x509.UniformResourceIdentifier(f"imap://{HOST}:143/"),
        x509.RFC822Name(f"postmaster@{HOST}"),
        x509.RegisteredID(SRV_NAME),
        x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])),
        srv(f"_imaps.{HOST}"),
    ],
    ids=lambda name: type(name).__name__,
)
def test_no_other_kind_of_name_is_for_a_host_and_none_spoils_one_that_is(
    name: x509.GeneralName,
) -> None:
    assert not matched((name,))
    assert matched((name, x509.DNSName(HOST)))


def test_a_common_name_does_not_count() -> None:
    assert match_identity(make(Cert(subject=HOST), ROOT).certificates[0], BY_SRV) is None
    other = Cert(subject=HOST, names=(x509.DNSName("other.example"),))
    assert match_identity(make(other, ROOT).certificates[0], BY_SRV) is None


# --- found by SRV


@pytest.mark.parametrize(
    ("names", "identity"),
    [
        ((srv("_imaps.example.org"),), Identity(SRV, "_imaps.example.org")),
        ((srv("_IMAPS.Example.org"),), Identity(SRV, "_imaps.example.org")),
        (dns("example.org"), Identity(DNS, "example.org")),
        (dns(HOST), Identity(DNS, HOST)),
        ((*dns("example.org", HOST), srv("_imaps.example.org")), BY_SRV[0]),
        (dns("example.org", HOST), Identity(DNS, HOST)),
        ((srv("_imap.example.org"),), None),
        ((srv("_pop3s.example.org"),), None),
        ((srv("_submissions.example.org"),), None),
        ((srv("_imaps.example.com"),), None),
        ((srv("_imaps.mail.example.org"),), None),
        ((srv("_imaps.*.org"),), None),
        ((srv("_imaps.*"),), None),
        ((srv("*.example.org"),), None),
        ((srv("_imaps"),), None),
        ((srv(""),), None),
        (dns("_imaps.example.org"), None),
        (dns("*.org"), None),
        ((ip("192.0.2.1"),), None),
    ],
)
def test_a_server_found_by_srv_is_the_domains_or_the_host_itself(
    names: tuple[x509.GeneralName, ...], identity: Identity | None
) -> None:
    assert match_identity(certificate(names), BY_SRV) == identity


def test_a_name_of_another_type_is_no_srv_name() -> None:
    microsoft = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")  # a user's principal name
    other = x509.OtherName(microsoft, tlv(0x16, b"_imaps.example.org"))
    assert match_identity(certificate((other,)), BY_SRV) is None


def test_a_server_not_found_by_srv_needs_its_own_name() -> None:
    assert not matched((*dns("example.org"), srv("_imaps.example.org")))


def test_the_proof_says_which_identity_matched() -> None:
    for names, kind in (((srv("_imaps.example.org"),), SRV), (dns("example.org"), DNS)):
        chain = make(Cert(names=names), ROOT)
        client = engine(chain.root, srv_id="_imaps.example.org")
        shake_hands(client, MemoryServer(chain.context()))
        identity = client.proof().identity
        assert identity is not None
        assert identity.kind is kind


# --- hostile names

OTHER_NAME = bytes.fromhex("06082b06010505070807")


def names(*each: bytes) -> bytes:
    return tlv(0x30, b"".join(each))


HOSTILE = {
    "no octets at all": b"",
    "no sequence": tlv(0x31, tlv(0x82, HOST.encode())),
    "empty": names(),
    "an empty dNSName": names(tlv(0x82, b"")),
    "a NUL inside": names(tlv(0x82, HOST.encode() + b"\0.evil.example")),
    "a trailing dot": names(tlv(0x82, HOST.encode() + b".")),
    "octets that are not ASCII": names(tlv(0x82, b"\xff\xfe" + HOST.encode())),
    "a U-label": names(tlv(0x82, "bücher.example".encode())),
    "an otherName that is cut": names(tlv(0xA0, b"\x06\x09")),
    "an otherName without a value": names(tlv(0xA0, OTHER_NAME)),
    "an SRVName of another type": names(
        tlv(0xA0, OTHER_NAME + tlv(0xA0, tlv(0x0C, b"_imaps.example.org")))
    ),
    "an SRVName that is cut": names(tlv(0xA0, OTHER_NAME + tlv(0xA0, b"\x16\x7f_imaps"))),
    "an SRVName with octets that are not ASCII": names(
        tlv(0xA0, OTHER_NAME + tlv(0xA0, tlv(0x16, b"_imaps.example.org\xff")))
    ),
    "an address of three octets": names(tlv(0x87, b"abc")),
    "a network": names(tlv(0x87, bytes([192, 0, 2, 1, 255, 255, 255, 255]))),
    "a name of no kind": names(tlv(0x8F, HOST.encode())),
    "an X.400 address": names(tlv(0xA3, b""), tlv(0x82, HOST.encode())),
    "octets behind it": names(tlv(0x82, HOST.encode())) + b"\0",
    "2,001 names": names(*[tlv(0x82, HOST.encode())] * 2_001),
    "10,000 names": names(*[tlv(0x82, b"x")] * 10_000, tlv(0x82, HOST.encode())),
    "a name of 60,000 octets": names(tlv(0x82, b"a." * 30_000)),
    "a name of 200,000 octets": names(tlv(0x82, b"a" * 200_000)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_are_a_refusal_and_soon(kind: str) -> None:
    chain = make(Cert(names=HOSTILE[kind]), ROOT)
    client = engine(chain.root, srv_id="_imaps.example.org")
    start = time.perf_counter()
    with pytest.raises(CertificateError) as caught:
        show(client, chain.certificates)
    assert time.perf_counter() - start < 2
    reasons = {CertificateReason.MALFORMED, CertificateReason.NAME_MISMATCH}
    assert caught.value.reason in reasons
    assert len(str(caught.value)) < 2000
    assert str(caught.value).isprintable()
    assert not client.is_established


def test_as_many_names_as_the_limit_allows_are_compared() -> None:
    many = names(*[tlv(0x82, b"x.example")] * 1_999, tlv(0x82, HOST.encode()))
    chain = make(Cert(names=many), ROOT)
    client = engine(chain.root)
    shake_hands(client, MemoryServer(chain.context()))
    assert client.is_established


def test_a_message_shows_a_few_of_the_names() -> None:
    assert names_of(certificate(dns(*"abcdefg"))) == "a, b, c, d, e and 2 more"
    assert names_of(certificate((srv("_imaps.example.org"),))) == "_imaps.example.org"
    assert names_of(certificate(dns(""))) == "an empty name"
    assert names_of(certificate(None)) == "no name at all (a common name does not count)"
    assert names_of(certificate(b"")) == "names that cannot be read"
    assert names_of(certificate((x509.OtherName(SRV_NAME, b"\0\0"),))) == "a name of another kind"


def test_the_leaf_of_these_tests_is_good() -> None:
    chain = make(LEAF, ROOT)
    client = engine(chain.root)
    shake_hands(client, MemoryServer(chain.context()))
    assert client.is_established
