"""Provider's files: good ones are read, hostile ones refused in bounded time and memory."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import DiscoveryError, DiscoveryReason, Service, TLSMode, limits
from securemail.discovery.autoconfig import servers_in_file
from securemail.discovery.finding import Finding

ADDRESS = "alice@example.org"


def server(kind: str = "incoming", type_: str = "imap", **fields: str) -> str:
    fields = {"hostname": "mail.example.org", "port": "993", "socketType": "SSL", **fields}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f'<{kind}Server type="{type_}">{inner}</{kind}Server>'


def document(*servers: str) -> bytes:
    inner = "".join(servers)
    return (
        f'<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x">'
        f"<domain>example.org</domain>{inner}</emailProvider></clientConfig>"
    ).encode()


def read(data: bytes, address: str = ADDRESS) -> Finding:
    return servers_in_file(data, address, source="autoconfig", url="https://example.org/x")


def test_servers_of_all_services_and_modes_are_read_in_their_order() -> None:
    found = read(
        document(
            server(port="143", socketType="STARTTLS"),
            server(),
            server(type_="pop3", port="110", socketType="plain"),
            server("outgoing", "smtp", port="465"),
        )
    )
    rows = [(each.service, each.endpoint.port, each.endpoint.tls) for each in found.servers]
    assert rows == [
        (Service.IMAP, 143, TLSMode.STARTTLS),
        (Service.IMAP, 993, TLSMode.IMPLICIT),
        (Service.POP3, 110, TLSMode.NONE),
        (Service.SUBMISSION, 465, TLSMode.IMPLICIT),
    ]
    assert [each.preference for each in found.servers] == [0, 1, 2, 3]
    assert all(each.endpoint.srv_domain == "" for each in found.servers)


@pytest.mark.parametrize(
    ("pattern", "username"),
    [
        ("%EMAILADDRESS%", "alice@example.org"),
        ("%EMAILLOCALPART%", "alice"),
        ("%EMAILDOMAIN%-x", "example.org-x"),
        ("fixed", "fixed"),
        ("", ""),
    ],
)
def test_the_parts_of_the_address_are_filled_in(pattern: str, username: str) -> None:
    (imap,) = read(document(server(username=pattern, hostname="mail.%EMAILDOMAIN%"))).servers
    assert imap.username == username
    assert imap.endpoint.host == "mail.example.org"


def test_other_elements_types_and_places_are_passed_over() -> None:
    found = read(
        document(
            server(type_="exchange"),
            server("outgoing", "imap"),
            "<documentation><hostname>evil.example</hostname></documentation>",
            f"<group>{server(hostname='deep.example.org')}</group>",
            '<incomingServer type="imap"><x><hostname>evil.example</hostname></x>'
            "<hostname> mail.example.org </hostname><hostname>second.example</hostname>"
            "<port>993</port><socketType>SSL</socketType></incomingServer>",
        )
    )
    assert [each.endpoint.host for each in found.servers] == ["mail.example.org"]


@pytest.mark.parametrize(
    "fields",
    [
        {"hostname": ""},
        {"hostname": "a b"},
        {"hostname": "%EMAILADDRESS%"},
        {"port": "0"},
        {"port": "65536"},
        {"port": "99999999999999999999"},
        {"port": "-1"},
        {"port": "٣"},
        {"port": ""},
        {"socketType": "ssl"},
        {"socketType": ""},
        {"socketType": "tryStartTLS"},
    ],
)
def test_a_server_that_cannot_be_one_is_noted_and_left_out(fields: dict[str, str]) -> None:
    found = read(document(server(**fields), server(hostname="ok.example.org")))
    assert [each.endpoint.host for each in found.servers] == ["ok.example.org"]
    assert len(found.notes) == 1
    assert found.notes[0].isprintable()


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9))
    + b"]><clientConfig><emailProvider>&j;</emailProvider></clientConfig>"
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", DiscoveryReason.MALFORMED),
        (b"<html></html>", DiscoveryReason.MALFORMED),
        (b"<clientConfig/>", DiscoveryReason.MALFORMED),
        (document(server())[:-1], DiscoveryReason.MALFORMED),
        (document(server()) + b"<x/>", DiscoveryReason.MALFORMED),
        (b'<?xml version="1.0" encoding="no-such-thing"?><a/>', DiscoveryReason.MALFORMED),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', DiscoveryReason.MALFORMED),
        (b"<!DOCTYPE x>" + document(server())[21:], DiscoveryReason.MALFORMED),
        (BOMB, DiscoveryReason.MALFORMED),
        (
            (
                b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><clientConfig><emailProvider>'
                b"&f;</emailProvider></clientConfig>"
            ),
            DiscoveryReason.MALFORMED,
        ),
        (document("<x>" * 100 + "</x>" * 100), DiscoveryReason.LIMIT),
        (document("<x/>" * 5000), DiscoveryReason.LIMIT),
        (document(server() * 33), DiscoveryReason.LIMIT),
        (document(" " * limits.AUTOCONFIG_BYTES), DiscoveryReason.LIMIT),
    ],
    ids=[
        "nothing",
        "a page",
        "no provider",
        "cut",
        "two roots",
        "unknown encoding",
        "an encoding of two minds",
        "a doctype",
        "entity bomb",
        "a file of ours",
        "deep",
        "many elements",
        "many servers",
        "megabytes",
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes, reason: DiscoveryReason) -> None:
    with pytest.raises(DiscoveryError) as caught:
        read(data)
    assert caught.value.reason is reason
    assert str(caught.value).isprintable()


def cpu_s(text: str) -> float:
    """Return how long a file with `text` as the name of a host takes."""
    data, start_s = document(server(hostname=text)), time.process_time()
    read(data)
    return time.process_time() - start_s


def test_a_name_of_many_lines_takes_no_longer_than_one_of_as_many_letters() -> None:
    size = limits.AUTOCONFIG_BYTES - 1000
    assert cpu_s("\n" * size) < max(20 * cpu_s("a" * size), 0.2)


def test_an_entity_bomb_is_refused_for_its_doctype_before_any_entity_is_known() -> None:
    with pytest.raises(DiscoveryError, match="it has a DOCTYPE"):
        read(BOMB)


@given(st.binary(max_size=300))
def test_any_octets_are_a_file_or_a_discovery_error(data: bytes) -> None:
    try:
        read(data)
    except DiscoveryError:
        return


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "hostname": st.text(max_size=12),
                "port": st.text(max_size=6) | st.integers(0, 70000).map(str),
                "socketType": st.sampled_from(["SSL", "STARTTLS", "plain", "x"]),
                "username": st.text(max_size=12),
            }
        ),
        max_size=4,
    )
)
def test_any_servers_are_read_or_noted(rows: list[dict[str, str]]) -> None:
    from xml.sax.saxutils import escape

    servers = [server(**{name: escape(text) for name, text in row.items()}) for row in rows]
    try:
        found = read(document(*servers))
    except (DiscoveryError, UnicodeEncodeError):  # characters that XML does not have
        return
    assert len(found.servers) + len(found.notes) == len(rows)
    assert all(each.username.isprintable() for each in found.servers)
