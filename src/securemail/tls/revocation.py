"""What follows from a staple, or from none, under an account's policy. No I/O here.

RFC 6066 section 8 (staples), RFC 7633 (certificates that promise one), RFC 6960 (their contents).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import assert_never

from cryptography import x509
from OpenSSL import SSL

from securemail.proof import CertificateReason
from securemail.revocation import CertStatus, Revocation, RevocationStatus
from securemail.tls.handshake import Handshake
from securemail.tls.staple import is_over, read_staple
from securemail.tls.verdict import Finding
from securemail.wire.text import printable


def objection(
    wanted: Revocation,
    chain: Sequence[x509.Certificate],
    status: RevocationStatus,
    now: dt.datetime,
) -> Finding | None:
    """Return what speaks against the server's own certificate at the time `now`, if anything does.

    What was stapled must be good: RFC 6066 section 8 has a client end the handshake otherwise,
    wanted or not. Without a staple it depends on `wanted`, and on what the certificate promises.
    """
    if wanted is Revocation.OFF:
        return None
    match status.cert_status:
        case CertStatus.GOOD:
            if status.until is not None and not is_over(status.until, now):
                return None
            return Finding(
                CertificateReason.STAPLE_INVALID, chain[0], f"it was {status}, and is not since"
            )
        case CertStatus.REVOKED:
            return Finding(CertificateReason.REVOKED, chain[0], status.detail)
        case CertStatus.UNKNOWN | CertStatus.UNUSABLE:
            return Finding(CertificateReason.STAPLE_INVALID, chain[0], status.detail)
        case CertStatus.NOT_STAPLED | CertStatus.NOT_ASKED:
            return _without_staple(wanted, chain)
        case _:
            assert_never(status.cert_status)


def _without_staple(wanted: Revocation, chain: Sequence[x509.Certificate]) -> Finding | None:
    if promises_staple(chain):
        detail = "it promises a proof that it is not revoked, and the server has stapled none"
    elif wanted is Revocation.REQUIRED:
        detail = "the server has stapled no proof that it is not revoked"
    else:
        return None
    return Finding(CertificateReason.STAPLE_MISSING, chain[0], detail)


def promises_staple(chain: Sequence[x509.Certificate]) -> bool:
    """Return whether the server's certificate must come with a staple (RFC 7633 section 4.2.3).

    An authority that has the extension may issue only certificates that have it, too (4.2.2).
    """
    return any(x509.TLSFeatureType.status_request in _features(each) for each in chain)


def _features(certificate: x509.Certificate) -> Iterable[x509.TLSFeatureType]:
    try:
        return certificate.extensions.get_extension_for_class(x509.TLSFeature).value
    except Exception:  # noqa: BLE001 - the server's own can be read; there are roots that cannot
        return ()


def hear_staple(connection: SSL.Connection, staple: bytes, _data: object) -> bool:
    """Judge what the server has stapled; called by OpenSSL before anything of ours leaves.

    That is at ServerHelloDone in TLS 1.2 and at the server's Finished in TLS 1.3, with an empty
    `staple` where there is none. False ends the handshake there.
    """
    handshake: Handshake = connection.get_app_data()
    chain = handshake.chain
    if handshake.verdict is None or not chain:
        return True  # resumed: no certificate has come, and the evidence was judged before
    try:
        _judge(handshake, chain, staple)
    except Exception as exc:  # noqa: BLE001 - hostile certificates raise anything: fail closed
        handshake.refuse(Finding(CertificateReason.MALFORMED, chain[0], printable(str(exc))))
    return handshake.refusal is None


def _judge(handshake: Handshake, chain: Sequence[x509.Certificate], staple: bytes) -> None:
    issuer = chain[1] if len(chain) > 1 else None
    handshake.revocation = read_staple(staple, chain[0], issuer, handshake.at)
    found = objection(handshake.rules.revocation, chain, handshake.revocation, handshake.at)
    # Of a certificate that is not accepted anyway, only that it is revoked is worth saying.
    if found and (handshake.is_authenticated or found.reason is CertificateReason.REVOKED):
        handshake.find(found)
