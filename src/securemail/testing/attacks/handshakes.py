"""The handshake: bad certificates, old versions, octets that are no TLS, an end in its middle."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

from securemail.account import TLSMode
from securemail.errors import (
    CertificateError,
    ConnectError,
    SecureMailError,
    TLSError,
    VersionError,
)
from securemail.testing.attacks import certificates
from securemail.testing.attacks.attack import NOTHING, Attack
from securemail.testing.attacks.certificates import Server
from securemail.testing.attacks.dialects import DIALECTS, MODES, Dialect
from securemail.testing.attacks.sources import NAMES, TRUNCATION, UNCHECKED, VERSIONS
from securemail.testing.steps import AwaitHello, Close, Hang, Reset, Send, SendRaw, Step

_OLD: Final = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}

# Where a ServerHello should stand.
_NO_HELLO: Final[dict[str, tuple[Step, type[SecureMailError]]]] = {
    "a fatal alert": (SendRaw(b"\x15\x03\x03\x00\x02\x02\x28"), TLSError),
    "a warning that TLS ends": (SendRaw(b"\x15\x03\x03\x00\x02\x01\x00"), SecureMailError),
    "a record of SSL 3.0": (SendRaw(b"\x15\x03\x00\x00\x02\x02\x28"), SecureMailError),
    "an SSL 2.0 hello": (SendRaw(b"\x80\x2e\x04\x00\x01\x00\x02" + bytes(41)), TLSError),
    "data that is not encrypted": (SendRaw(b"\x17\x03\x03\x00\x02hi"), TLSError),
    "a record that is too long": (SendRaw(b"\x16\x03\x03\xff\xff" + bytes(1000)), TLSError),
    "a ServerHello of zeros": (SendRaw(b"\x16\x03\x03\x00\x2a\x02\0\0\x26" + bytes(38)), TLSError),
    "a ClientHello": (SendRaw(b"\x16\x03\x01\x00\x2a\x01\0\0\x26" + bytes(38)), TLSError),
    "random octets": (SendRaw(bytes(range(7, 250, 3))), TLSError),
    "an end": (Close(), ConnectError),
    "a reset": (Reset(), ConnectError),
}


def attacks() -> Iterator[Attack]:
    """Yield all of them, for each protocol and both modes."""
    for dialect in DIALECTS:
        for mode in MODES:
            for name, server in certificates.BAD.items():
                source = NAMES if "name" in name or "wildcard" in name else UNCHECKED
                yield _shown(dialect, mode, f"a certificate with {name}", server, source)
            for name, version in _OLD.items():
                old = certificates.of_version(version)
                yield _shown(dialect, mode, f"{name} and no later", old, VERSIONS, VersionError)
            for name, (step, error) in _NO_HELLO.items():
                yield _instead(dialect, mode, name, step, error)
        yield _instead(
            dialect, TLSMode.STARTTLS, "a reply in cleartext", Send(dialect.ok), SecureMailError
        )


def _shown(
    dialect: Dialect,
    mode: TLSMode,
    name: str,
    server: Server,
    source: str,
    error: type[SecureMailError] = CertificateError,
) -> Attack:
    return Attack(
        name=name,
        service=dialect.service,
        mode=mode,
        script=(*dialect.logging_in(mode), Send(dialect.welcome), Hang()),
        error=error,
        may_leave=dialect.may_leave(mode),
        may_show=NOTHING,
        server=server,
        source=source,
    )


def _instead(
    dialect: Dialect, mode: TLSMode, name: str, step: Step, error: type[SecureMailError]
) -> Attack:
    end = () if isinstance(step, Close | Reset) else (Hang(),)
    return Attack(
        name=f"{name} instead of the ServerHello",
        service=dialect.service,
        mode=mode,
        script=(*dialect.begun(mode), AwaitHello(), step, *end),
        error=error,
        may_leave=dialect.may_leave(mode),
        may_show=NOTHING,
        source=TRUNCATION,
    )
