"""4xx and 5xx at each step up to the login: a typed error with the server's words (RFC 5321)."""

from __future__ import annotations

import pytest

from securemail import (
    AuthenticationError,
    ConnectError,
    PolicyError,
    ProtocolError,
    SecureMailError,
    TLSMode,
)
from securemail.testing import CertificateAuthority, Expect, Hang, Send, StartTLS, Step
from tests.session.submission_scripts import (
    ASKED,
    BEGIN,
    EHLO,
    GREETING,
    OFFER,
    OFFER_BEFORE_TLS,
    PLAIN,
    refused,
)

INSIDE = (*ASKED, BEGIN, StartTLS(), EHLO)

# What came before, and what our error is.
STEPS: dict[str, tuple[tuple[Step, ...], type[SecureMailError]]] = {
    "the greeting": ((), ConnectError),
    "EHLO in cleartext": ((GREETING, EHLO), ProtocolError),
    "STARTTLS": ((GREETING, EHLO, OFFER_BEFORE_TLS, Expect(rb"STARTTLS")), PolicyError),
    "EHLO inside TLS": (INSIDE, ProtocolError),
    "AUTH": ((*INSIDE, OFFER, PLAIN), AuthenticationError),
}


@pytest.mark.parametrize("code", [b"451", b"454", b"500", b"502", b"535", b"554"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_refusal_at_any_step_is_a_typed_error_with_the_servers_words(
    step: str, code: bytes, ca: CertificateAuthority
) -> None:
    before, kind = STEPS[step]
    script = (*before, Send(code + b"-4.7.0 not this\r\n" + code + b" 4.7.0 minute\r\n"), Hang())
    error, server = await refused(script, ca, tls=TLSMode.STARTTLS)
    assert isinstance(error, kind)
    assert "not this" in str(error)
    assert "minute" in str(error)
    assert "secret" not in str(error)
    # Nothing private before TLS, and the password once at most.
    assert b"AUTH" not in server.cleartext
    assert server.plaintext.count(b"AUTH") == (step == "AUTH")
