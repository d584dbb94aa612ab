"""What verify_account() shows, and what it never sends."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest

from securemail import (
    Account,
    AuthenticationError,
    CertificateError,
    ClientCertificate,
    ConnectError,
    DeadlineError,
    Endpoint,
    Level,
    Password,
    Policy,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
    UsageError,
)
from securemail.setup import LoginResult, Step, verify_account
from securemail.testing import (
    CertificateAuthority,
    Hang,
    MailServer,
    Offer,
    ScriptedServer,
    self_signed,
)

HOST = "mail.example.org"
SECRET = "correct horse"


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


def on(server: MailServer, tls: TLSMode = TLSMode.IMPLICIT, **fields: object) -> Account:
    """Return alice's account on all three services of `server`."""
    values: dict[str, object] = {
        "credentials": Password("alice", SECRET),
        "trust": TrustStore.from_pem(server.ca.pem),
        **{service.name.lower(): server.endpoint(tls, service) for service in Service},
        **fields,
    }
    return Account("alice@example.org", **values)  # type: ignore[arg-type]  # what its fields are of


def imap(server: ScriptedServer, ca: CertificateAuthority, tls: TLSMode, policy: Policy) -> Account:
    return Account(
        "alice@example.org",
        imap=Endpoint(HOST, server.port, tls, addresses=[server.address]),
        credentials=Password("alice", SECRET),
        trust=TrustStore.from_pem(ca.pem),
        policy=policy,
    )


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
async def test_a_good_account_shows_its_proof_and_its_login_for_each_service(
    ca: CertificateAuthority, tls: TLSMode
) -> None:
    async with MailServer({"alice": SECRET}, ca=ca) as server:
        report = await verify_account(on(server, tls))
        await server.wait_quiet()
    assert report.is_ok
    assert [each.service for each in report] == list(Service)
    for each in report:
        assert each.login is LoginResult.WORKED
        assert each.authenticated_by == "PLAIN"
        assert each.confidentiality is not None
        assert each.confidentiality.level is Level.CONFIDENTIAL
        assert each.step is None
        assert each.advice == ""
        assert each.offer is None


async def test_a_report_is_json_and_words_and_holds_no_password(ca: CertificateAuthority) -> None:
    async with MailServer({"alice": "another"}, ca=ca) as server:
        report = await verify_account(on(server))
        await server.wait_quiet()
    data = json.dumps(report.as_dict())
    assert '"revocation": "not stapled"' in data
    assert json.loads(data)["services"][0]["level"] == "confidential"
    for text in (data, str(report), repr(report)):
        assert SECRET not in text
    assert "logging in failed" in str(report)
    assert "Check the user name and the password" in str(report)


async def test_a_wrong_password_is_a_failed_login_with_its_error(ca: CertificateAuthority) -> None:
    async with MailServer({"alice": "another"}, ca=ca) as server:
        report = await verify_account(on(server))
        await server.wait_quiet()
    assert not report.is_ok
    each = report.service(Service.POP3)
    assert each is not None
    assert each.login is LoginResult.FAILED
    assert each.step is Step.LOGIN
    assert isinstance(each.error, AuthenticationError)
    assert each.error.__traceback__ is None
    assert each.confidentiality is not None


async def test_one_service_that_fails_leaves_the_others(ca: CertificateAuthority) -> None:
    async with MailServer({"alice": SECRET}, ca=ca) as server, MailServer({}, ca=ca) as closed:
        gone = closed.endpoint(TLSMode.IMPLICIT, Service.POP3)
        await closed.aclose()
        report = await verify_account(on(server, pop3=gone))
        await server.wait_quiet()
    assert [each.is_ok for each in report] == [True, False, True]
    failed = report.service(Service.POP3)
    assert failed is not None
    assert failed.step is Step.CONNECT
    assert isinstance(failed.error, ConnectError)
    assert "port" in failed.advice


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("expired", "clock"),
        ("self-signed", "certificate authority"),
        ("other", "host name"),
        ("unknown", "certificate authority"),
    ],
)
async def test_a_bad_certificate_is_told_with_what_to_do_and_no_login_is_tried(
    ca: CertificateAuthority, kind: str, word: str, tls: TLSMode
) -> None:
    certificate = {
        "expired": lambda: ca.expired(HOST),
        "self-signed": lambda: self_signed(HOST),
        "other": lambda: ca.issue("other.example.org"),
        "unknown": lambda: CertificateAuthority().issue(HOST),
    }[kind]()
    offer = Offer(certificate=certificate)
    async with MailServer({"alice": SECRET}, ca=ca, offer=offer) as server:
        report = await verify_account(on(server, tls))
        await server.wait_quiet()
    for each in report:
        assert isinstance(each.error, CertificateError)
        assert each.step is Step.TLS
        assert each.login is LoginResult.NOT_TRIED
        assert word in each.advice


async def test_a_connection_below_the_policy_gets_no_login_and_lists_what_is_missing(
    ca: CertificateAuthority,
) -> None:
    policy = Policy(require_dane=True)
    async with MailServer({"alice": SECRET}, ca=ca) as server:
        report = await verify_account(on(server, policy=policy))
        await server.wait_quiet()
    for each in report:
        assert each.step is Step.MINIMUM or isinstance(each.error, CertificateError)
        assert each.login is LoginResult.NOT_TRIED


async def test_without_credentials_the_connections_are_shown_and_nothing_is_wrong(
    ca: CertificateAuthority,
) -> None:
    async with MailServer({"alice": SECRET}, ca=ca) as server:
        report = await verify_account(on(server, credentials=None))
        await server.wait_quiet()
    assert report.is_ok
    assert {each.login for each in report} == {LoginResult.NOT_TRIED}


async def test_a_client_certificate_is_a_login(ca: CertificateAuthority) -> None:
    mine = ClientCertificate.from_pem(ca.client_pem("alice"))
    async with MailServer({"alice": SECRET}, ca=ca) as server:
        report = await verify_account(on(server, credentials=None, client_certificate=mine))
        await server.wait_quiet()
    assert {each.authenticated_by for each in report} == {"EXTERNAL"}


@pytest.mark.parametrize(("days", "is_soon"), [(29, True), (31, False)])
async def test_who_has_a_client_certificate_that_ends_soon_is_told(
    days: int, is_soon: bool, ca: CertificateAuthority
) -> None:
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    mine = ClientCertificate.from_pem(ca.issue(common_name="alice", not_after=end).pem)
    async with MailServer({"alice": SECRET}, ca=ca) as server:
        report = await verify_account(on(server, credentials=None, client_certificate=mine))
        await server.wait_quiet()
    assert report.is_ok
    assert bool(report.warnings) == is_soon
    assert report.as_dict()["warnings"] == list(report.warnings)
    assert ("client certificate" in str(report)) == is_soon


async def test_a_client_certificate_that_has_expired_is_told_and_nobody_connected_to(
    ca: CertificateAuthority,
) -> None:
    expired = ClientCertificate.from_pem(
        ca.issue(common_name="alice", not_after=dt.datetime.now(dt.UTC)).pem
    )
    async with ScriptedServer(()) as server:
        account = replace(imap(server, ca, TLSMode.IMPLICIT, Policy()), client_certificate=expired)
        (each,) = await verify_account(account)
    assert isinstance(each.error, UsageError)
    assert "expired on" in str(each.error)
    assert server.connections == 0


async def test_a_server_that_does_not_answer_is_told_in_time(ca: CertificateAuthority) -> None:
    async with ScriptedServer((Hang(),)) as server:
        account = imap(server, ca, TLSMode.STARTTLS, Policy())
        report = await verify_account(account, timeouts=Timeouts(greeting=0.05))
        await server.finished.wait()
    (each,) = report
    assert isinstance(each.error, DeadlineError)
    assert each.step is Step.CONNECT


async def test_an_account_without_servers_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError):
        await verify_account(Account("alice@example.org"))
