"""Passwords, tokens, a key and its passphrase, through a whole life: they show nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import warnings

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from securemail import (
    ClientCertificate,
    TLSMode,
    UsageError,
)
from securemail.setup import verify_account
from securemail.testing import CertificateAuthority, Close, ScriptedServer, Send
from securemail.testing.attacks import forms_in
from securemail.testing.attacks.certificates import BAD, good
from securemail.testing.attacks.dialects import DIALECTS, Dialect
from tests.secrecy import found, shown, told
from tests.session import scripts
from tests.session.life import Life, listening
from tests.session.repeating import (
    CANARY,
    CREDENTIALS,
    LINE,
    NO,
    PASSPHRASE,
    REPEATED,
    TOKEN,
    WAYS,
    ends,
    exchange,
)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.service.value)
@pytest.mark.parametrize(("mechanism", "form"), WAYS)
async def test_a_secret_that_is_repeated_before_the_login_shows_nowhere(
    dialect: Dialect, mechanism: str, form: str, ca: CertificateAuthority
) -> None:
    credentials, secret = CREDENTIALS[mechanism]
    repeated = REPEATED[form](secret).replace(b"\n", b"")
    for end, steps in ends(dialect, repeated).items():
        script = (*exchange(dialect, mechanism), *steps)
        with listening() as life:
            async with ScriptedServer(script, context=good(ca)) as server:
                mine = scripts.account(
                    server, ca, TLSMode.IMPLICIT, dialect.service, credentials=credentials
                )
                error = await life.live(mine, dialect.service)
                await server.finished.wait()
        assert error is not None
        assert life.finds(secret) == [], end


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.service.value)
async def test_the_digest_of_cram_md5_that_is_repeated_shows_nowhere(
    dialect: Dialect, ca: CertificateAuthority
) -> None:
    """Whoever reads it in a log can guess at leisure."""
    digest = hmac.new(CANARY.encode(), base64.b64decode("PDFAeD4="), hashlib.md5).hexdigest()
    whole = base64.b64encode(f"alice {digest}".encode())
    for words in (digest.encode(), whole, base64.b64encode(digest.encode())):
        for end, steps in ends(dialect, words).items():
            script = (*exchange(dialect, "CRAM-MD5"), *steps)
            with listening() as life:
                async with ScriptedServer(script, context=good(ca)) as server:
                    mine = scripts.account(
                        server,
                        ca,
                        TLSMode.IMPLICIT,
                        dialect.service,
                        credentials=CREDENTIALS["CRAM-MD5"][0],
                    )
                    assert await life.live(mine, dialect.service) is not None
                    await server.finished.wait()
            assert life.finds(digest) == [], end


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.service.value)
@pytest.mark.parametrize("mechanism", CREDENTIALS)
async def test_a_life_behind_the_login_shows_no_secret(
    dialect: Dialect, mechanism: str, ca: CertificateAuthority
) -> None:
    """The server does not repeat it there: see docs/hostile.md."""
    credentials, secret = CREDENTIALS[mechanism]
    welcome = (*exchange(dialect, mechanism), Send(dialect.welcome), LINE)
    for end, steps in ends(dialect, b"something").items():
        with listening() as life:
            async with ScriptedServer((*welcome, *steps), context=good(ca)) as server:
                mine = scripts.account(
                    server, ca, TLSMode.IMPLICIT, dialect.service, credentials=credentials
                )
                await life.live(mine, dialect.service)
                await server.finished.wait()
        assert life.finds(secret) == [], end


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.service.value)
@pytest.mark.parametrize("mechanism", ["PLAIN", "OAUTHBEARER"])
async def test_an_account_that_is_set_up_shows_no_secret(
    dialect: Dialect, mechanism: str, ca: CertificateAuthority
) -> None:
    credentials, secret = CREDENTIALS[mechanism]
    no = Send(NO[dialect.service].replace(b"%s", secret.encode()))
    for server_context, steps in (
        (good(ca), (no, Close())),
        (good(ca), (Send(dialect.welcome), *dialect.farewell)),
        (BAD["an end that is past"](ca), ()),
    ):
        script = (*exchange(dialect, mechanism), *steps)
        with listening() as life:
            async with ScriptedServer(script, context=server_context) as server:
                mine = scripts.account(
                    server, ca, TLSMode.IMPLICIT, dialect.service, credentials=credentials
                )
                report = await verify_account(mine)
            life.texts += shown(report)
            for service in report.services:
                if service.error is not None:
                    life.texts += told(service.error)
        assert life.finds(secret) == []


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.service.value)
@pytest.mark.parametrize("kind", ["the line is dead", "the certificate is bad", "all is well"])
async def test_a_client_key_and_its_passphrase_show_nowhere(
    dialect: Dialect, kind: str, ca: CertificateAuthority
) -> None:
    pem = ca.client_pem("alice")
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = pem[pem.index(b"-----BEGIN CERTIFICATE") :]
    locked = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode())
    )
    raw = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    number = key.private_numbers().private_value.to_bytes(32, "big")
    decimal = str(key.private_numbers().private_value)
    context = BAD["an end that is past"](ca) if kind == "the certificate is bad" else good(ca)
    script = (*exchange(dialect, "EXTERNAL"), Send(dialect.welcome), LINE, Close())
    with listening() as life:
        with pytest.raises(UsageError) as caught:
            ClientCertificate.from_pem(certificate, key=locked, password=PASSPHRASE + "x")
        life.texts += told(caught.value)
        mine = ClientCertificate.from_pem(certificate, key=locked, password=PASSPHRASE)
        server = ScriptedServer(script, context=context)
        async with server:
            account = scripts.account(
                server,
                ca,
                TLSMode.IMPLICIT,
                dialect.service,
                credentials=None,
                client_certificate=mine,
            )
            if kind == "the line is dead":
                await server.aclose()
            error = await life.live(account, dialect.service)
        assert error is not None
    assert life.finds(PASSPHRASE, raw, number, decimal) == []


def test_what_looks_for_secrets_finds_them() -> None:
    """Otherwise every test here would be green for nothing."""
    for repeat in REPEATED.values():
        assert forms_in(repeat(CANARY) + b"x", CANARY.encode())
    life = Life()
    life.texts += shown(("a", {"b": [CANARY]}))
    assert life.finds(CANARY)
    with listening() as life:
        logging.getLogger("aioimaplib.aioimaplib").debug("%s", CANARY)
        warnings.warn(TOKEN, stacklevel=1)
    assert life.finds(CANARY)
    assert life.finds(TOKEN)


def test_frames_and_pickles_are_looked_into() -> None:
    def fails(password: str) -> None:
        raise UsageError(password[:0], field="x") from ValueError(password)

    with pytest.raises(UsageError) as caught:
        fails(CANARY)
    assert found(told(caught.value), [CANARY.encode()])
