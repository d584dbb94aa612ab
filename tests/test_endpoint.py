"""Where a server is, and the mail domain that led there."""

from __future__ import annotations

from typing import Any

import pytest

from securemail import Endpoint, TLSMode, UsageError


def endpoint(srv_domain: Any) -> Endpoint:
    return Endpoint("mail.example.org", 993, TLSMode.IMPLICIT, srv_domain=srv_domain)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("example.org", "example.org"),
        ("Example.ORG.", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_mail_domain_is_kept_as_the_dns_has_it(given: str, kept: str) -> None:
    assert endpoint(given).srv_domain == kept


@pytest.mark.parametrize("given", [" ", "a..b", "192.0.2.1", "[::1]", "*.example.org", None, 7])
def test_a_mail_domain_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint(given)
    assert caught.value.field == "Endpoint.srv_domain"


@pytest.mark.parametrize("given", ["a" * 254, "a" * 1025, "\N{SOFT HYPHEN}" * 1025 + "a"])
def test_a_host_that_is_too_long_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        Endpoint(given, 993, TLSMode.IMPLICIT)
