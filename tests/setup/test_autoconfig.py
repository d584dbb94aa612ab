"""A provider's file over HTTPS: whom it is taken from, and what is told to whom."""

from __future__ import annotations

import re
import socket
import sys
from dataclasses import dataclass

import pytest

from securemail import DiscoveryError, Service, Timeouts, TrustStore, UsageError, limits
from securemail.discovery.finding import Finding
from securemail.setup import Autoconfig, Question, discover
from securemail.testing import CertificateAuthority
from tests.setup.dns import Zone, at
from tests.setup.web import Web, moved, reply

FILE = b"""<clientConfig version="1.1"><emailProvider id="example.org">
<incomingServer type="imap"><hostname>mail.example.org</hostname><port>993</port>
<socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer>
</emailProvider></clientConfig>"""
HOST = "autoconfig.example.org"
PATH = "/mail/config-v1.1.xml?emailaddress=al%2Bice@example.org"
PLAIN_PATH = "/file.xml"


@dataclass
class Silent:
    port: int


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


def web(ca: CertificateAuthority, *replies: bytes, names: tuple[str, ...] = (HOST,)) -> Web:
    return Web(ca.server_context(*names), dict.fromkeys([PLAIN_PATH], *replies) if replies else {})


async def asked(
    server: Web | Silent, ca: CertificateAuthority, *urls: str, timeouts: Timeouts | None = None
) -> Finding:
    urls = urls or (f"https://autoconfig.{{domain}}{PLAIN_PATH}",)
    ports = [url.replace("{domain}", f"{{domain}}:{server.port}", 1) for url in urls]
    question = Question(
        address="al+ice@example.org",
        domain="example.org",
        services=frozenset(Service),
        resolver=Zone(hosts=at(HOST, "example.org", "www.example.org", "evil.example")),
        trust=TrustStore.from_pem(ca.pem),
        timeouts=timeouts or Timeouts(),
    )
    return await Autoconfig(ports).find(question)


async def test_the_file_names_the_servers(ca: CertificateAuthority) -> None:
    async with web(ca, reply(FILE)) as server:
        found = await asked(server, ca)
    (imap,) = found.servers
    assert imap.endpoint.host == "mail.example.org"
    assert imap.username == "al+ice"
    assert found.source == "autoconfig"


async def test_a_request_says_the_least(ca: CertificateAuthority) -> None:
    async with web(ca) as server:
        server.replies[PATH] = reply(FILE)
        found = await asked(
            server, ca, "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}"
        )
        port = server.port
    assert found.servers
    (head,) = server.requests
    assert head.splitlines() == [
        f"GET {PATH} HTTP/1.1",
        f"Host: {HOST}:{port}",
        "Accept: application/xml, text/xml",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
    ]


async def test_the_query_with_the_address_is_not_repeated_in_the_plan(
    ca: CertificateAuthority,
) -> None:
    async with web(ca) as server:
        server.replies[PATH] = reply(FILE)
        found = await asked(
            server, ca, "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}"
        )
    assert "al" not in found.servers[0].reasons[0].partition("?")[2]
    assert "?" not in found.servers[0].reasons[0]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply(FILE, status=500), "the server says 500"),
        (reply(b"", "", 404), "there is no such file"),
        (reply(FILE, "text/html"), "not the file but text/html"),
        (reply(FILE, "text/xml", 200, "Content-Encoding: gzip"), "not the file"),
        (reply(b"<html/>"), "no <clientConfig>"),
        (reply(b"not xml at all"), "not XML"),
        (reply(b" " * (limits.AUTOCONFIG_BYTES + 1)), "longer than"),
        (moved("http://autoconfig.example.org/file.xml"), "redirects to http"),
        (moved("https://evil.example/file.xml"), r"redirects to evil\.example"),
        (moved("https://notexample.org/file.xml"), "redirects to notexample"),
        (moved("file:///etc/passwd"), "redirects to file"),
        (moved("/file.xml"), "more than 3 redirections"),
        (moved("https://["), ""),
        (reply(b"", "", 302), "more than 3 redirections"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, ""),
        (b"\x00\xff garbage", ""),
        (b"", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 99\r\n\r\n<cl", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_answer_that_is_not_the_file_is_a_note(
    ca: CertificateAuthority, answer: bytes, why: str
) -> None:
    async with web(ca, answer) as server:
        found = await asked(server, ca)
        start = f"https://{HOST}:{server.port}/file.xml: "
    assert found.servers == ()
    (note,) = found.notes
    assert note.startswith(start)
    assert note.isprintable()
    assert re.search(why, note)


async def test_a_redirection_inside_the_domain_is_followed(ca: CertificateAuthority) -> None:
    async with web(ca, names=(HOST, "www.example.org")) as server:
        server.replies[PLAIN_PATH] = moved(f"https://www.example.org:{server.port}/other.xml")
        server.replies["/other.xml"] = reply(FILE)
        found = await asked(server, ca)
    assert found.servers


async def test_a_server_that_a_redirection_leads_astray_to_is_not_connected_to(
    ca: CertificateAuthority,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        port = elsewhere.getsockname()[1]
        async with web(ca, moved(f"https://evil.example:{port}/file.xml")) as server:
            assert not (await asked(server, ca)).servers
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.parametrize("name", ["other.example.org", "example.org"])
async def test_a_certificate_for_another_name_is_not_believed(
    ca: CertificateAuthority, name: str
) -> None:
    async with web(ca, reply(FILE), names=(name,)) as server:
        found = await asked(server, ca)
    assert not found.servers
    assert server.requests == []


async def test_a_certificate_of_an_unknown_issuer_is_not_believed(
    ca: CertificateAuthority,
) -> None:
    async with web(CertificateAuthority(), reply(FILE)) as server:
        found = await asked(server, ca)
    assert not found.servers
    assert server.requests == []


async def test_a_server_that_does_not_answer_ends_in_time(ca: CertificateAuthority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        found = await asked(Silent(port), ca, timeouts=Timeouts(connect=0.1))
    assert "no answer within 0.1 s" in found.notes[0]


async def test_the_first_url_that_has_a_file_counts(ca: CertificateAuthority) -> None:
    async with web(ca, names=(HOST, "example.org")) as server:
        server.replies["/second.xml"] = reply(FILE)
        found = await asked(
            server, ca, "https://autoconfig.{domain}/first.xml", "https://{domain}/second.xml"
        )
    assert "https://example.org" in found.servers[0].reasons[0]
    assert server.accepted == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://autoconfig.{domain}/file.xml",
        "https://database.example/{domain}?for={address}",
        "https://{domain}.database.example/{address}",
        "https://{domain}:443@database.example/{address}",
        "https://x{domain}/{address}",
        "ftp://{domain}/",
    ],
)
def test_a_url_that_tells_the_address_to_others_or_to_all_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Autoconfig([url])
    assert caught.value.field == "Autoconfig.urls"


def test_a_database_is_told_the_domain_only() -> None:
    assert Autoconfig(["https://database.example/{domain}"], name="list").name == "list"


async def test_a_foreign_server_in_the_file_needs_confirmation(ca: CertificateAuthority) -> None:
    foreign = FILE.replace(b"mail.example.org", b"mail.example.net")
    async with web(ca, reply(foreign)) as server:
        plan = await discover(
            "alice@example.org",
            resolver=Zone(hosts=at(HOST)),
            trust=TrustStore.from_pem(ca.pem),
            sources=[Autoconfig([f"https://autoconfig.{{domain}}:{server.port}{PLAIN_PATH}"])],
        )
    (imap,) = plan.candidates(Service.IMAP)
    assert imap.needs_confirmation


async def test_a_domain_without_the_file_has_no_servers(ca: CertificateAuthority) -> None:
    with pytest.raises(DiscoveryError, match="no such host"):
        await discover(
            "alice@example.org",
            resolver=Zone(),
            sources=[Autoconfig()],
        )


async def test_without_the_extra_nothing_is_asked_and_a_note_says_what_to_install(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    found = await asked(Silent(1), ca)
    assert found.servers == ()
    assert "extra securemail[autoconfig]" in found.notes[0]
