"""In and around TLS: what test_attacks.py does not say."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from securemail import (
    CertificateError,
    CertificateReason,
    ClientCertificate,
    DeadlineError,
    Phase,
    Policy,
    PolicyError,
    SecureSession,
    Service,
    Shortfall,
    Timeouts,
    TLSMode,
    VersionError,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    ScriptedServer,
    ServerCertificate,
    StartTLS,
    Step,
    self_signed,
)
from tests.session.scripts import (
    BEGIN,
    GREETING,
    HOST,
    IMPLICIT,
    LEAVE,
    STARTTLS,
    TLS_GREETING,
    account,
    phase_of,
    refused,
)
from tests.values import no_minimum

IMPLICIT_TLS, WITH_STARTTLS = TLSMode.IMPLICIT, TLSMode.STARTTLS
OPENING: dict[TLSMode, tuple[Step, ...]] = {
    IMPLICIT_TLS: (StartTLS(),),
    WITH_STARTTLS: (GREETING, STARTTLS, BEGIN, StartTLS()),
}

BAD_CERTIFICATES: dict[
    str, tuple[Callable[[CertificateAuthority], ServerCertificate], CertificateReason]
] = {
    "wrong host name": (lambda ca: ca.issue("mail.example.com"), CertificateReason.NAME_MISMATCH),
    "common name only": (lambda ca: ca.common_name_only(HOST), CertificateReason.NAME_MISMATCH),
    "expired": (lambda ca: ca.expired(HOST), CertificateReason.EXPIRED),
    "not yet valid": (lambda ca: ca.not_yet_valid(HOST), CertificateReason.NOT_YET_VALID),
    "self-signed": (lambda _: self_signed(HOST), CertificateReason.SELF_SIGNED),
    "unknown issuer": (
        lambda _: CertificateAuthority().issue(HOST),
        CertificateReason.UNKNOWN_ISSUER,
    ),
}


@pytest.mark.parametrize("tls", [IMPLICIT_TLS, WITH_STARTTLS])
@pytest.mark.parametrize("name", BAD_CERTIFICATES)
async def test_nothing_leaves_after_the_handshake_with_a_bad_certificate(
    name: str, tls: TLSMode, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    make, reason = BAD_CERTIFICATES[name]
    context = make(ca).context()
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=ca.pem.decode())
    script = (*OPENING[tls], TLS_GREETING, Expect(rb".*"))
    error, server = await refused(script, ca, tls=tls, context=context, client_certificate=alice)
    assert isinstance(error, CertificateError)
    assert error.reason is reason
    assert error.certificate is not None
    assert server.plaintext == b""
    assert server.client_certificate is None


def below_tls12(ca: CertificateAuthority) -> ssl.SSLContext:
    context = ca.issue(HOST).context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.parametrize("tls", [IMPLICIT_TLS, WITH_STARTTLS])
async def test_a_server_below_tls12_is_refused(tls: TLSMode, ca: CertificateAuthority) -> None:
    error, server = await refused(OPENING[tls], ca, tls=tls, context=below_tls12(ca))
    assert isinstance(error, VersionError)
    assert "the TLS version is below the account's minimum" in str(error)
    assert server.plaintext == b""


async def test_a_server_that_says_nothing_in_the_handshake_ends_in_time(
    ca: CertificateAuthority,
) -> None:
    error, server = await refused((Hang(),), ca, tls=IMPLICIT_TLS, timeouts=Timeouts(tls=0.1))
    assert isinstance(error, DeadlineError)
    assert (error.phase, error.seconds) == ("tls", 0.1)
    assert server.cleartext == b""


@pytest.mark.parametrize("tls", [IMPLICIT_TLS, WITH_STARTTLS])
async def test_a_server_that_does_not_greet_ends_in_time(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    script = (StartTLS(), Hang()) if tls is IMPLICIT_TLS else (Hang(),)
    error, server = await refused(script, ca, tls=tls, timeouts=Timeouts(greeting=0.1))
    assert isinstance(error, DeadlineError)
    assert error.phase == "greeting"
    assert (server.cleartext, server.plaintext) == (b"", b"")


async def test_a_server_that_does_not_answer_ends_in_time(ca: CertificateAuthority) -> None:
    error, _ = await refused((GREETING, STARTTLS, Hang()), ca, timeouts=Timeouts(command=0.1))
    assert isinstance(error, DeadlineError)
    assert error.phase == "command"
    assert "StartTLS" in str(error)


async def test_all_phases_together_have_one_limit(ca: CertificateAuthority) -> None:
    error, _ = await refused((GREETING, STARTTLS, Hang()), ca, timeouts=Timeouts(total=0.2))
    assert isinstance(error, DeadlineError)
    assert error.seconds == 0.2


async def test_what_is_missing_from_the_minimum_stops_the_login_after_the_handshake(
    ca: CertificateAuthority,
) -> None:
    policy = Policy(require_post_quantum=True)
    error, server = await refused(
        (StartTLS(), TLS_GREETING, Expect(rb".*")), ca, tls=IMPLICIT_TLS, policy=policy
    )
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_POST_QUANTUM}
    assert server.plaintext == b""


async def test_without_a_minimum_a_bad_certificate_is_below_the_minimum_and_says_so(
    ca: CertificateAuthority,
) -> None:
    context = self_signed(HOST).context()
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=context) as server:
        mine = account(server, ca, IMPLICIT_TLS, policy=no_minimum())
        session = await SecureSession.open(mine, Service.IMAP)
        assert phase_of(session) is Phase.BELOW_MINIMUM
        assert session.confidentiality.shortfalls == {Shortfall.CERTIFICATE}
        assert not session.confidentiality.indicator.is_locked
        await session.authenticate()
        assert phase_of(session) is Phase.AUTHENTICATED
        await session.aclose()
