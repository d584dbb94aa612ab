"""A pin as a value: what it is bound to, how it is kept, and that nothing else makes one."""

from __future__ import annotations

import inspect
import json
import pickle
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from securemail import (
    Account,
    CertificateError,
    CertificateReason,
    Endpoint,
    Pin,
    PinOffer,
    Policy,
    Service,
    TLSMode,
    UsageError,
)
from securemail.testing import self_signed
from tests.pins import ADDRESS, HOST, aged, pin_of

CERTIFICATE = self_signed(HOST)
PIN = pin_of(CERTIFICATE)
IMAP = Endpoint(HOST, 993, TLSMode.IMPLICIT)


def account(**fields: Any) -> Account:
    return Account(ADDRESS, **{"imap": IMAP, "pins": frozenset({PIN}), **fields})


def test_a_pin_has_no_constructor() -> None:
    with pytest.raises(UsageError, match="account setup"):
        Pin()
    with pytest.raises((UsageError, TypeError)):
        replace(PIN, host="other.example.org")
    with pytest.raises(UsageError, match="account setup"):
        PinOffer()


def test_nothing_in_a_certificate_error_makes_a_pin() -> None:
    error = CertificateError("no", reason=CertificateReason.PIN_MISMATCH, certificate=None)
    own = {name for name in dir(error) if name not in dir(Exception) and name[0] != "_"}
    assert own == {"reason", "certificate", "pinned"}
    assert "pin" not in inspect.signature(CertificateError).parameters


def test_a_pin_shows_what_it_is_for_and_not_the_certificate_as_octets() -> None:
    assert PIN.certificate.public_bytes(Encoding.DER) == CERTIFICATE.der
    assert PIN.fingerprint.count(":") == 31
    assert all(word in repr(PIN) for word in (ADDRESS, HOST, "993", "IMAP", "vouches"))
    assert "der" not in repr(PIN)


def test_a_pin_survives_its_export() -> None:
    assert Pin.from_dict(json.loads(json.dumps(PIN.to_dict()))) == PIN
    assert pickle.loads(pickle.dumps(PIN)) == PIN


@pytest.mark.parametrize("field", PIN.to_dict())
@pytest.mark.parametrize("value", [None, "", 0, True, "\0", b"", [], "2026-01-01", {"a": 1}])
def test_what_is_no_exported_pin_is_refused(field: str, value: object) -> None:
    if isinstance(value, str) and value and field in {"address", "host", "acknowledged"}:
        return  # any text will do: a pin that fits no account does nothing
    with pytest.raises(UsageError):
        Pin.from_dict(PIN.to_dict() | {field: value})


@pytest.mark.parametrize("field", PIN.to_dict())
def test_an_exported_pin_needs_all_its_fields(field: str) -> None:
    with pytest.raises(UsageError, match=field):
        Pin.from_dict({name: value for name, value in PIN.to_dict().items() if name != field})


@given(st.dictionaries(st.sampled_from(sorted(PIN.to_dict())), st.text() | st.integers()))
def test_any_export_is_a_pin_or_a_usage_error(changes: dict[str, object]) -> None:
    try:
        pin = Pin.from_dict(PIN.to_dict() | changes)
    except UsageError:
        return
    assert Pin.from_dict(pin.to_dict()) == pin


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_outside_the_calendar_is_refused(moment: str) -> None:
    with pytest.raises(UsageError):
        Pin.from_dict(PIN.to_dict() | {"made_at": moment})


@pytest.mark.parametrize(
    ("service", "endpoint"),
    [
        (Service.IMAP, Endpoint("other.example.org", 993, TLSMode.IMPLICIT)),
        (Service.IMAP, Endpoint(HOST, 994, TLSMode.IMPLICIT)),
        (Service.POP3, IMAP),
        (Service.SUBMISSION, IMAP),
    ],
)
def test_a_pin_is_for_one_host_port_and_service(service: Service, endpoint: Endpoint) -> None:
    fields = {"imap": None, service.name.lower(): endpoint}
    assert account(**fields).pin(service) is None
    assert account().pin(Service.IMAP) == PIN
    assert account().pin(Service.POP3) is None


def test_a_pin_of_another_account_is_refused() -> None:
    with pytest.raises(UsageError, match=r"bob@example\.org"):
        account(pins=frozenset({pin_of(CERTIFICATE, address="bob@example.org")}))


def test_two_pins_for_one_server_are_refused() -> None:
    with pytest.raises(UsageError, match="two pins"):
        account(pins=frozenset({PIN, pin_of(self_signed(HOST))}))


def test_what_is_no_pin_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        account(pins=frozenset({"a pin"}))
    assert caught.value.field == "Account.pins"


def test_a_pin_is_listed_and_undone() -> None:
    other = pin_of(CERTIFICATE, service=Service.SUBMISSION, port=465)
    mine = account(pins={PIN, other})
    assert mine.pins == {PIN, other}
    assert mine.without_pin(PIN).pins == {other}
    assert mine.without_pin(PIN).pin(Service.IMAP) is None
    with pytest.raises(UsageError, match="does not have that pin"):
        mine.without_pin(PIN).without_pin(PIN)


def test_an_account_keeps_its_pins_when_it_is_given_a_minimum_again() -> None:
    assert account(policy=Policy()).pins == {PIN}


def test_a_pin_knows_whether_its_certificate_was_over_when_it_was_accepted() -> None:
    assert not PIN.was_expired
    assert aged(PIN, -40).was_expired
