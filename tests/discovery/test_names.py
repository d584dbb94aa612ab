"""Which hosts belong to an address's domain, and which only look as if they did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import UsageError
from securemail.discovery.names import domain_of, is_inside


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("alice@example.org", "example.org"),
        ("Alice@EXAMPLE.Org.", "example.org"),
        ('"a@b"@example.org', "example.org"),
        (r'"a \" b\\"@example.org', "example.org"),
        ("o'brien+lists/a=b@example.org", "example.org"),
        ("alice@bücher.example", "xn--bcher-kva.example"),
        ("用户@例子.example", "xn--fsqu00a.example"),
        ("alice@xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_the_domain_of_an_address_is_in_a_label_form(address: str, domain: str) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alice",
        "@example.org",
        "alice@",
        "alice@bob@example.org",
        "alice@example.org bob@example.org",
        "alice@example.org,bob@example.org",
        "Alice <alice@example.org",
        'al"ice@example.org',
        '"alice"bob@example.org',
        '"alice\\"@example.org',
        "alice@[192.0.2.1]",
        "alice@192.0.2.1",
        "alice@2130706433",
        "alice@example..org",
        "alice@exa mple.org",
        "alice@example.org\r\nBcc: x",
        f"alice@{'a' * 64}.org",
        f"alice@{'a.' * 130}org",
    ],
)
def test_what_has_no_domain_to_ask_is_the_callers_mistake(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        domain_of(address)
    assert caught.value.field == "address"


@given(st.text())
def test_any_text_has_a_domain_or_is_a_usage_error(text: str) -> None:
    try:
        domain = domain_of(text)
    except UsageError:
        return
    assert domain.isascii()
    assert domain == domain.lower()
    assert len(domain) <= 253


@pytest.mark.parametrize(
    ("host", "domain", "answer"),
    [
        ("example.org", "example.org", True),
        ("mail.example.org", "example.org", True),
        ("a.b.c.example.org", "example.org", True),
        ("notexample.org", "example.org", False),
        ("example.org.evil.example", "example.org", False),
        ("org", "example.org", False),
        ("example.org", "dept.example.org", False),
        ("mail.example.net", "example.org", False),
        ("xn--bcher-kva.example", "bcher-kva.example", False),
        # Whoever has mail at a top-level domain does not run what others have registered below it.
        ("evil.ai", "ai", False),
        ("ai", "ai", True),
    ],
)
def test_a_host_is_inside_a_domain_by_whole_labels(host: str, domain: str, answer: bool) -> None:
    assert is_inside(host, domain) is answer
