"""Client certificates are read whole, put in order, and refused with a reason."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from securemail import ClientCertificate, Secret, UsageError
from tests.tls.chains import LEAF, MIDDLE, ROOT, SERVER, Cert, Chain, make

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
CLIENT = replace(LEAF, subject="alice", names=None, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
UPPER = replace(MIDDLE, subject="upper", path_length=None)
MINE = make(CLIENT, MIDDLE, UPPER, ROOT)
OWN, *ISSUERS = MINE.certificates
FOREIGN = make(replace(CLIENT, key="ed25519", subject="bob"), MIDDLE, ROOT).certificates
# Put together here, so that no line of source has it.
CANARY = "-".join(("canary", "pass", "word"))


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def key_pem(chain: Chain = MINE, password: str | None = None) -> bytes:
    return chain.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption(password))


def encryption(password: str | None) -> KeySerializationEncryption:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()


def p12(
    own: x509.Certificate | None, *others: x509.Certificate, password: str | None = None
) -> bytes:
    return pkcs12.serialize_key_and_certificates(None, MINE.key, own, others, encryption(password))


def leaf(chain: Chain) -> ClientCertificate:
    return ClientCertificate(chain.certificates[0], chain.key)


# --- where it comes from


def test_the_objects_of_cryptography_will_do() -> None:
    mine = ClientCertificate(OWN, MINE.key, tuple(ISSUERS))
    assert mine.chain == tuple(ISSUERS[:2])
    assert mine == ClientCertificate.from_pem(key_pem() + pem(OWN, *ISSUERS))


@pytest.mark.parametrize("kind", ["ec", "ed25519", "rsa2048"])
def test_a_key_of_each_kind_is_read_from_pem_and_pkcs12(kind: str) -> None:
    chain = make(replace(CLIENT, key=kind), ROOT)
    own = chain.certificates[0]
    file = pkcs12.serialize_key_and_certificates(None, chain.key, own, None, NoEncryption())
    assert ClientCertificate.from_pem(pem(own), key=key_pem(chain)) == leaf(chain)
    assert ClientCertificate.from_pkcs12(file) == leaf(chain)


@pytest.mark.parametrize("wrap", [str, Secret])
def test_an_encrypted_key_is_opened_with_its_password(
    wrap: type[str | Secret], tmp_path: Path
) -> None:
    word, expected = wrap(CANARY), ClientCertificate(OWN, MINE.key)
    both = pem(OWN) + key_pem(password=CANARY)
    assert ClientCertificate.from_pem(both, password=word) == expected
    file = p12(OWN, password=CANARY)
    assert ClientCertificate.from_pkcs12(file, word) == expected
    (tmp_path / "alice.p12").write_bytes(file)
    assert ClientCertificate.from_pkcs12(str(tmp_path / "alice.p12"), word) == expected


# --- the chain


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_chain_in_any_order_is_put_in_order_and_the_root_left_out(order: tuple[int, ...]) -> None:
    shuffled = [MINE.certificates[place] for place in order]
    mine = ClientCertificate.from_pem(key_pem() + pem(*shuffled))
    assert mine.certificate == OWN
    assert mine.chain == tuple(ISSUERS[:2])


def test_a_bag_in_any_order_is_put_in_order_and_foreign_certificates_left_out() -> None:
    others = [*ISSUERS, *FOREIGN]
    random.Random(1).shuffle(others)
    mine = ClientCertificate.from_pkcs12(p12(OWN, *others))
    assert (mine.certificate, mine.chain) == (OWN, tuple(ISSUERS[:2]))
    mine = ClientCertificate.from_pkcs12(p12(None, *others, OWN))
    assert (mine.certificate, mine.chain) == (OWN, tuple(ISSUERS[:2]))


def test_an_issuer_by_name_alone_is_left_out() -> None:
    # FOREIGN has another "middle" and another "root", with other keys.
    impostor = make(CLIENT, replace(MIDDLE, key="ed25519"), ROOT).certificates[1]
    assert impostor.subject == OWN.issuer
    assert ClientCertificate(OWN, MINE.key, (impostor,)).chain == ()


def test_an_authority_that_has_certified_its_new_key_is_part_of_the_chain() -> None:
    # RFC 5280 section 6.1: self-issued is not self-signed.
    renewed = make(CLIENT, replace(MIDDLE, subject="root", path_length=None), ROOT).certificates
    own, new_by_old, root = renewed
    assert new_by_old.subject == new_by_old.issuer
    mine = ClientCertificate(own, MINE.key, (root, new_by_old))
    assert mine.chain == (new_by_old,)


def test_authorities_that_have_certified_each_other_make_no_endless_chain() -> None:
    one, other = make(replace(MIDDLE, subject="one"), replace(MIDDLE, subject="two")).certificates
    mine = ClientCertificate(OWN, MINE.key, (*ISSUERS, one, other, *ISSUERS, OWN))
    assert mine.chain == tuple(ISSUERS[:2])


def test_of_several_certificates_that_the_key_fits_the_one_that_ends_last_is_shown() -> None:
    old, new = (make(replace(CLIENT, days=days), ROOT) for days in ((-9, 2), (-1, 300)))
    for several in itertools.permutations([old.certificates[0], new.certificates[0]]):
        mine = ClientCertificate.from_pkcs12(p12(None, *several))
        assert mine.certificate == new.certificates[0]


# --- what is refused, and how


def show(error: BaseException) -> str:
    """Return all that a traceback can show, but the frame of the test."""
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(error)


LOCKED = pem(OWN) + key_pem(password="another")
REFUSED: dict[str, Callable[[], ClientCertificate]] = {
    "PEM, the wrong password": lambda: ClientCertificate.from_pem(LOCKED, password=CANARY),
    "PEM, no password": lambda: ClientCertificate.from_pem(LOCKED),
    "PEM, a password for nothing": lambda: ClientCertificate.from_pem(
        pem(OWN) + key_pem(), password=CANARY
    ),
    "PEM, a password that is no text": lambda: ClientCertificate.from_pem(
        LOCKED, password=CANARY + "\udcff"
    ),
    "PEM, another's key": lambda: ClientCertificate.from_pem(pem(FOREIGN[0]), key=key_pem()),
    "PEM, no certificate": lambda: ClientCertificate.from_pem(key_pem()),
    "PEM, given as a text": lambda: ClientCertificate.from_pem(key_pem().decode()),
    "PKCS#12, the wrong password": lambda: ClientCertificate.from_pkcs12(
        p12(OWN, password="another"), CANARY
    ),
    "PKCS#12, no password": lambda: ClientCertificate.from_pkcs12(p12(OWN, password="another")),
    "PKCS#12, a password that is no text": lambda: ClientCertificate.from_pkcs12(
        p12(OWN, password="another"), CANARY + "\udcff"
    ),
    "PKCS#12, another's key": lambda: ClientCertificate.from_pkcs12(p12(None, FOREIGN[0])),
    "PKCS#12, no certificate": lambda: ClientCertificate.from_pkcs12(p12(None)),
    "PKCS#12 that is none": lambda: ClientCertificate.from_pkcs12(key_pem()),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_shows_neither_password_nor_key(what: str) -> None:
    with pytest.raises(UsageError) as caught:
        REFUSED[what]()
    shown = show(caught.value)
    assert caught.value.field.startswith("ClientCertificate")
    assert CANARY not in shown
    # The PEM of the key, its first line and what is in the middle.
    assert "PRIVATE KEY--" not in shown
    assert key_pem().splitlines()[2].decode() not in shown


@pytest.mark.parametrize(
    ("cert", "says"),
    [
        (replace(CLIENT, purposes=(SERVER,)), "clientAuth"),
        (replace(CLIENT, usages="key_encipherment"), "keyUsage"),
        (replace(CLIENT, names=b"\x30\x03\x02\x01"), "cannot be read"),
    ],
)
def test_a_certificate_that_is_not_for_clients_is_refused(cert: Cert, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        leaf(make(cert, ROOT))
    assert caught.value.field == "ClientCertificate"


@pytest.mark.parametrize(
    "cert",
    [
        replace(CLIENT, purposes=()),
        replace(CLIENT, purposes=(SERVER, ExtendedKeyUsageOID.CLIENT_AUTH)),
        replace(CLIENT, purposes=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
    ],
)
def test_a_certificate_that_may_authenticate_a_client_is_taken(cert: Cert) -> None:
    chain = make(cert, ROOT)
    assert leaf(chain).certificate == chain.certificates[0]


# --- dates


@pytest.mark.parametrize(("days", "says"), [((-9, -3), "expired on"), ((3, 9), "valid from")])
def test_a_certificate_out_of_its_time_does_not_pass(days: tuple[int, int], says: str) -> None:
    mine = leaf(make(replace(CLIENT, days=days), ROOT))
    with pytest.raises(UsageError, match=says) as caught:
        mine.check(NOW)
    assert caught.value.field == "ClientCertificate"
    assert "CN=alice" in str(caught.value)


def test_a_certificate_is_valid_from_its_first_second_to_its_last() -> None:
    mine = ClientCertificate(OWN, MINE.key)
    start, end = OWN.not_valid_before_utc, OWN.not_valid_after_utc
    mine.check(start)
    mine.check(end)
    for moment in (start - dt.timedelta(seconds=1), end + dt.timedelta(seconds=1)):
        with pytest.raises(UsageError):
            mine.check(moment)


def test_who_has_a_certificate_that_ends_soon_is_told() -> None:
    mine = ClientCertificate(OWN, MINE.key)
    end = OWN.not_valid_after_utc
    assert mine.warning(end - 31 * DAY) is None
    assert "expires on" in (mine.warning(end - 30 * DAY) or "")
    assert "has expired" in (mine.warning(end + DAY) or "")
    assert mine.warning(end - 8 * DAY, within=7 * DAY) is None
    assert mine.warning(end - 6 * DAY, within=7 * DAY)


def test_an_issuer_that_ends_soon_is_told_of_by_its_name() -> None:
    chain = make(replace(CLIENT, days=(-1, 90)), replace(MIDDLE, days=(-9, 10)), ROOT)
    own, issuer, _ = chain.certificates
    warning = ClientCertificate(own, chain.key, (issuer,)).warning(NOW) or ""
    assert "CN=middle, an issuer of the client certificate CN=alice" in warning
