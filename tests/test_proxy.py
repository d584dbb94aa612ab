"""What a proxy may be made of."""

from __future__ import annotations

from typing import Any

import pytest

from securemail import Account, Proxy, ProxyKind, Secret, UsageError

SOCKS, HTTP = ProxyKind.SOCKS5, ProxyKind.HTTP_CONNECT


def test_a_proxy_does_not_show_its_password() -> None:
    proxy = Proxy(SOCKS, "Proxy.Example.net.", 1080, username="bob", password="canary")
    assert "canary" not in f"{proxy} {proxy!r}"
    assert str(proxy) == "SOCKS5 proxy proxy.example.net:1080"
    assert proxy.password.reveal() == "canary"
    assert proxy == Proxy(
        SOCKS, "proxy.example.net", 1080, username="bob", password=Secret("canary")
    )


def test_a_proxy_at_an_ipv6_address_is_written_in_brackets() -> None:
    assert str(Proxy(HTTP, "[::1]", 3128)) == "HTTP CONNECT proxy [::1]:3128"


@pytest.mark.parametrize(
    ("kind", "host", "port", "field"),
    [
        ("SOCKS5", "proxy.example.net", 1080, "Proxy.kind"),
        (SOCKS, "", 1080, "Proxy.host"),
        (SOCKS, "a b", 1080, "Proxy.host"),
        (SOCKS, "proxy.example.net", 0, "Proxy.port"),
        (SOCKS, "proxy.example.net", True, "Proxy.port"),
        (HTTP, "proxy.example.net", "80", "Proxy.port"),
    ],
)
def test_where_a_proxy_is_is_checked(kind: Any, host: str, port: Any, field: str) -> None:
    with pytest.raises(UsageError) as caught:
        Proxy(kind, host, port)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("kind", "username", "password", "field"),
    [
        (SOCKS, "bob", "", "Proxy.username"),
        (SOCKS, "", "canary", "Proxy.username"),
        (SOCKS, None, "", "Proxy.username"),
        (SOCKS, "b" * 256, "canary", "Proxy.username"),
        (SOCKS, "bob", "canary" * 43, "Proxy.password"),
        (SOCKS, "bob", "canary-é", "Proxy.password"),
        (HTTP, "bo:b", "canary", "Proxy.username"),
        (HTTP, "bob", "canary-€", "Proxy.password"),
        (HTTP, "bob", "canary\r\nX: y", "Proxy.password"),
        (SOCKS, "bob\0", "canary", "Proxy.username"),
    ],
)
def test_what_a_proxy_has_no_room_for_is_refused_without_being_shown(
    kind: ProxyKind, username: Any, password: str, field: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Proxy(kind, "proxy.example.net", 1080, username=username, password=password)
    assert caught.value.field == field
    inside = caught.traceback[1:]  # the first frame is this test's own
    assert "canary" not in str(caught.value)
    assert not any("canary" in repr(entry.locals) for entry in inside)


def test_the_longest_name_and_password_of_socks5_pass() -> None:
    Proxy(SOCKS, "proxy.example.net", 1080, username="b" * 255, password="c" * 255)


def test_an_account_wants_a_proxy_and_not_an_url() -> None:
    with pytest.raises(UsageError) as caught:
        Account("alice@example.org", proxy="socks5://127.0.0.1:1080")  # type: ignore[arg-type]  # the point
    assert caught.value.field == "Account.proxy"
