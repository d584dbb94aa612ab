"""Trying an account that insists on nothing: its password is shown to nobody even so."""

from __future__ import annotations

import pytest

from securemail import (
    PolicyError,
    Shortfall,
    TLSMode,
)
from securemail.setup import LoginResult, Step, verify_account
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    MailServer,
    ScriptedServer,
    Send,
    StartTLS,
    self_signed,
)
from tests.setup.test_verify import HOST, SECRET, imap, on
from tests.values import no_minimum


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


async def test_without_a_minimum_the_password_is_not_shown_in_cleartext(
    ca: CertificateAuthority,
) -> None:
    script = (
        Send(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN SASL-IR] hi\r\n"),
        Hang(),
    )
    async with ScriptedServer(script) as server:
        report = await verify_account(imap(server, ca, TLSMode.NONE, no_minimum()))
        await server.finished.wait()
        assert server.raw == b""
    (each,) = report
    assert each.login is LoginResult.NOT_TRIED
    assert each.step is Step.MINIMUM
    assert isinstance(each.error, PolicyError)
    assert each.error.shortfalls == {Shortfall.NO_TLS}
    assert "would expose the password" in str(each)


async def test_without_a_minimum_the_password_is_not_shown_to_who_is_not_proved(
    ca: CertificateAuthority,
) -> None:
    context = self_signed(HOST).context()
    script = (
        StartTLS(),
        Send(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi\r\n"),
        Hang(),
    )
    async with ScriptedServer(script, context=context) as server:
        report = await verify_account(imap(server, ca, TLSMode.IMPLICIT, no_minimum()))
        await server.finished.wait()
        assert b"AUTHENTICATE" not in server.plaintext
        assert server.raw.startswith(b"\x16\x03")
    (each,) = report
    assert isinstance(each.error, PolicyError)
    assert each.error.shortfalls == {Shortfall.CERTIFICATE}
    assert each.login is LoginResult.NOT_TRIED


async def test_without_a_minimum_a_refused_upgrade_gets_no_password(
    ca: CertificateAuthority,
) -> None:
    script = (
        Send(b"* OK hi\r\n"),
        Expect(rb"\w+ STARTTLS"),
        Send(b"{tag} NO not today\r\n"),
        Expect(rb"\w+ CAPABILITY"),
        Send(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n{tag} OK listed\r\n"),
        Hang(),
    )
    async with ScriptedServer(script) as server:
        report = await verify_account(imap(server, ca, TLSMode.STARTTLS, no_minimum()))
        await server.finished.wait()
        assert server.problem is None
        assert b"AUTH" not in server.raw
        assert server.raw.endswith(b"2 CAPABILITY\r\n")
    assert not report.is_ok


async def test_without_a_minimum_tls_that_is_there_is_offered(ca: CertificateAuthority) -> None:
    async with MailServer({"alice": SECRET}, ca=ca) as server:
        account = on(server, policy=no_minimum())
        report = await verify_account(account)
        await server.wait_quiet()
    assert report.is_ok
    assert [offer.endpoint for offer in report.offers] == [
        account.imap,
        account.pop3,
        account.submission,
    ]
    assert "ask for it always" in str(report)
