"""A secret shows nowhere, not even where a server repeats it: errors, frames, logs, reprs."""

from __future__ import annotations

import base64
import logging
import traceback
from typing import Any

import pytest

from securemail import (
    Account,
    Endpoint,
    OAuthToken,
    Password,
    Phase,
    SecureMailError,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session.scripts import HOST, phase_of

CANARY = "c4naryXpassw0rd"
ECHOES = [
    CANARY.encode(),
    base64.b64encode(CANARY.encode()),
    base64.b64encode(b"\0alice\0" + CANARY.encode()),
    f'"{CANARY}"'.encode(),
]
# Whatever is left of one of those would be found by this.
FORMS = [CANARY, *(base64.b64encode(b"x" * n + CANARY.encode()).decode()[4:-4] for n in range(3))]

LINE = Expect(rb".*")


async def canary() -> str:
    return CANARY


def credentials(mechanism: str) -> Any:
    if "AUTH" in mechanism:
        return OAuthToken("alice", canary)
    return Password("alice", CANARY, mechanisms=[mechanism] if mechanism else ())


def rounds(mechanism: str) -> tuple[Step, ...]:
    """Return the exchange up to the point where the secret, or a proof of it, was sent."""
    match mechanism:
        case "LOGIN":
            return (LINE, Send(b"+ \r\n"), LINE, Send(b"+ \r\n"), LINE)
        case "CRAM-MD5":
            return (Expect(rb"(\w+) .*"), Send(b"+ YWJj\r\n"), LINE)
        case "":
            return (Expect(rb'\w+ LOGIN "alice" .*'),)
        case _:
            return (Expect(rb"\w+ AUTHENTICATE \S+ \S+"),)


MECHANISMS = pytest.mark.parametrize(
    "mechanism",
    ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", ""],
    ids=lambda name: name or "LOGIN command",
)
ENDS: dict[str, tuple[bytes, ...]] = {
    "no": (b"x NO [AUTHENTICATIONFAILED] %s is wrong\r\n",),
    "tagged no": (b"{tag} NO [AUTHENTICATIONFAILED] %s is wrong\r\n",),
    "bye": (b"* BYE %s is wrong\r\n",),
    "nonsense": (b"%s\r\n",),
    "a challenge": (b"+ %s\r\n",),
    "a challenge that is not base64": (b"+ !%s\r\n",),
    "the end": (),
    "silence": (b"",),
}


def find(text: str) -> list[str]:
    """Return the forms of the canary that stand in `text`."""
    return [form for form in FORMS if form in text]


@MECHANISMS
@pytest.mark.parametrize("echo", ECHOES, ids=["plain", "base64", "response", "quoted"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_secret_that_the_server_repeats_shows_nowhere(
    ca: CertificateAuthority,
    caplog: pytest.LogCaptureFixture,
    mechanism: str,
    echo: bytes,
    end: tuple[bytes, ...],
) -> None:
    caplog.set_level(logging.DEBUG)
    offer = f" AUTH={mechanism}" if mechanism else ""
    greeting = Send(f"* OK [CAPABILITY IMAP4rev1 SASL-IR{offer}] hi\r\n".encode())
    said = [Send(line.replace(b"%s", echo)) if line else Hang() for line in end]
    script = (StartTLS(), greeting, *rounds(mechanism), *said, Close())
    timeouts = Timeouts(command=0.05 if Hang() in said else 5)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = Account(
            "alice@example.org",
            imap=Endpoint(HOST, server.port, TLSMode.IMPLICIT, addresses=[server.address]),
            credentials=credentials(mechanism),
            trust=TrustStore.from_pem(ca.pem),
        )
        session = await SecureSession.open(mine, Service.IMAP, timeouts=timeouts)
        with pytest.raises(SecureMailError) as caught:
            await session.authenticate()
        await session.aclose()
        assert phase_of(session) is Phase.CLOSED
        await server.finished.wait()
    error = caught.value
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next  # without the frame of this test
    rendered = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    assert find(rendered) == []
    assert find(f"{error} {error!r} {vars(error)} {mine!r} {session!r} {vars(session)}") == []
    assert find(caplog.text) == []
