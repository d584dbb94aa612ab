"""A policy asks for what the RFC asks for, or for more; less only in words, with a warning."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import Any

import pytest

from securemail import (
    ConfidentialityWarning,
    Policy,
    Revocation,
    TLSVersion,
    UsageError,
)


def test_the_default_policy_has_the_minimum_of_the_rfc() -> None:
    policy = Policy()
    assert policy.has_minimum
    assert policy.minimum_tls is TLSVersion.TLS_1_2
    assert policy.revocation is Revocation.IF_STAPLED


@pytest.mark.parametrize("value", ["required", True, None])
def test_what_is_wanted_about_revocation_is_one_of_three(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Policy(revocation=value)
    assert caught.value.field == "Policy.revocation"


REQUIRED = [each.name for each in fields(Policy) if each.name.startswith("require_")]


@pytest.mark.parametrize("value", [None, 0, "no"])
@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_required_is_so_or_not(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Policy(**{name: value})
    assert caught.value.field == f"Policy.{name}"


def test_the_minimum_is_turned_off_only_with_a_warning() -> None:
    with pytest.warns(ConfidentialityWarning, match="neither its passwords nor its messages"):
        policy = Policy.without_minimum(acknowledge="I know")
    assert not policy.has_minimum
    assert policy.acknowledged == "I know"


@pytest.mark.parametrize("words", ["", "  ", None])
def test_the_minimum_is_not_turned_off_without_words(words: Any) -> None:
    with warnings.catch_warnings(), pytest.raises(UsageError):
        Policy.without_minimum(acknowledge=words)


def test_a_policy_cannot_be_talked_into_an_acknowledgement() -> None:
    with pytest.raises(TypeError):
        Policy(acknowledged="yes")  # type: ignore[call-arg]  # the point
