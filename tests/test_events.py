"""Nothing secret can be in an event: its fields have no room for a text that we did not choose."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import securemail
from securemail import (
    AuthenticationError,
    CertificateError,
    CertificateReason,
    Endpoint,
    Event,
    Secret,
    Service,
    TLSMode,
)
from securemail.events import Failure, LoginMethod, Subject
from securemail.sasl.choose import _BY_PASSWORD
from securemail.sasl.ways import LoginCommand

PLAIN = {int, float, bool, IPv4Address, IPv6Address, NoneType}
HOLDING = {Union, UnionType, tuple, frozenset}
# What the account says of itself and of its servers. Nobody but the program writes that.
CONFIGURED = {(Subject, "address"), (Subject, "endpoint")}


def faults(kind: Any, where: str) -> Iterator[str]:
    """Say which parts of `kind` could hold a text, bytes or an object that anybody could choose."""
    origin = get_origin(kind)
    if origin in HOLDING:
        for part in get_args(kind):
            if part is not Ellipsis:
                yield from faults(part, where)
    elif origin is type or kind in PLAIN or (isinstance(kind, type) and issubclass(kind, Enum)):
        return
    elif is_dataclass(kind) and isinstance(kind, type):
        yield from faults_of_fields(kind)
    else:
        yield f"{where}: {kind}"


def faults_of_fields(kind: type) -> Iterator[str]:
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # dataclasses say it nowhere else
        yield f"{kind.__name__} can be changed"
    hints = get_type_hints(kind)
    for item in fields(kind):
        if (kind, item.name) not in CONFIGURED:
            yield from faults(hints[item.name], f"{kind.__name__}.{item.name}")


def all_events() -> list[type[Event]]:
    """Return every event that any module of the library declares."""
    for module in pkgutil.walk_packages(securemail.__path__, "securemail."):
        importlib.import_module(module.name)
    found: list[type[Event]] = []
    waiting = [Event]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


def test_no_event_has_a_field_that_could_hold_a_secret() -> None:
    events = all_events()
    assert {"Secured", "ConnectFailed", "SessionLost"} <= {kind.__name__ for kind in events}
    assert [fault for kind in events for fault in faults_of_fields(kind)] == []


@pytest.mark.parametrize(
    "kind",
    [str, bytes, object, Exception, Secret, Any, dict[str, int], str | None, tuple[str, ...]],
)
def test_a_field_that_could_hold_one_is_found(kind: Any) -> None:
    assert list(faults(kind, "here")) != []


def test_a_field_that_could_hold_one_is_found_in_a_value_inside() -> None:
    assert list(faults(Inner, "here")) == [f"Inner.words: {str}"]


def test_an_event_that_can_be_changed_is_found() -> None:
    assert list(faults(Changeable, "here")) == ["Changeable can be changed"]


@dataclass(frozen=True)
class Inner:
    words: str


@dataclass
class Changeable:
    number: int


def test_an_endpoint_in_an_event_holds_where_a_server_is_and_nothing_else() -> None:
    endpoint = Endpoint("mail.example.org", 993, TLSMode.IMPLICIT)
    assert {item.name for item in fields(endpoint)} == {
        "host",
        "port",
        "tls",
        "addresses",
        "srv_domain",
    }
    assert Subject(1, "alice@example.org", Service.IMAP, endpoint).endpoint is endpoint


def test_of_an_error_the_class_and_the_reason_are_told_and_no_word() -> None:
    expired = CertificateError("secret", reason=CertificateReason.EXPIRED, certificate=None)
    assert Failure.of(expired) == Failure(CertificateError, CertificateReason.EXPIRED)
    refused = Failure.of(AuthenticationError("secret"))
    assert refused == Failure(AuthenticationError)
    assert "secret" not in repr(refused)
    assert refused.is_ours
    assert not Failure.of(RuntimeError("secret")).is_ours


@pytest.mark.parametrize(
    "name", [*_BY_PASSWORD, LoginCommand.name, "EXTERNAL", "OAUTHBEARER", "XOAUTH2", "PREAUTH"]
)
def test_every_way_to_log_in_has_a_name(name: str) -> None:
    assert LoginMethod(name).value == name


def test_a_way_that_is_not_known_is_another_one() -> None:
    assert LoginMethod("X-NEW") is LoginMethod.OTHER
