"""Why a certificate is not accepted, from OpenSSL's error (RFC 5280 section 6). No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from OpenSSL import SSL

from securemail.proof import CertificateReason

_Codes = SSL.X509VerificationCodes
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

# X509_V_ERR_* of OpenSSL's x509_vfy.h. What is not listed is INVALID.
REASONS: Final[Mapping[int, CertificateReason]] = {
    _Codes.ERR_CERT_HAS_EXPIRED: CertificateReason.EXPIRED,
    _Codes.ERR_CERT_NOT_YET_VALID: CertificateReason.NOT_YET_VALID,
    _Codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: CertificateReason.SELF_SIGNED,
    _Codes.ERR_SELF_SIGNED_CERT_IN_CHAIN: CertificateReason.UNKNOWN_ISSUER,
    _Codes.ERR_UNABLE_TO_GET_ISSUER_CERT: CertificateReason.UNKNOWN_ISSUER,
    _Codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CertificateReason.UNKNOWN_ISSUER,
    _Codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: CertificateReason.UNKNOWN_ISSUER,
    _Codes.ERR_CERT_UNTRUSTED: CertificateReason.UNKNOWN_ISSUER,
    _Codes.ERR_CERT_REVOKED: CertificateReason.REVOKED,
    _Codes.ERR_CERT_SIGNATURE_FAILURE: CertificateReason.BAD_SIGNATURE,
    _Codes.ERR_INVALID_PURPOSE: CertificateReason.PURPOSE,
    _Codes.ERR_INVALID_CA: CertificateReason.NO_AUTHORITY,
    _Codes.ERR_KEYUSAGE_NO_CERTSIGN: CertificateReason.KEY_USAGE,
    _Codes.ERR_PATH_LENGTH_EXCEEDED: CertificateReason.PATH_LENGTH,
    _Codes.ERR_CERT_CHAIN_TOO_LONG: CertificateReason.PATH_LENGTH,
    _Codes.ERR_PERMITTED_VIOLATION: CertificateReason.NAME_CONSTRAINTS,
    _Codes.ERR_EXCLUDED_VIOLATION: CertificateReason.NAME_CONSTRAINTS,
    _Codes.ERR_SUBTREE_MINMAX: CertificateReason.NAME_CONSTRAINTS,
    _Codes.ERR_UNSUPPORTED_CONSTRAINT_TYPE: CertificateReason.NAME_CONSTRAINTS,
    _Codes.ERR_UNSUPPORTED_CONSTRAINT_SYNTAX: CertificateReason.NAME_CONSTRAINTS,
    _Codes.ERR_UNHANDLED_CRITICAL_EXTENSION: CertificateReason.UNKNOWN_EXTENSION,
    _Codes.ERR_INVALID_EXTENSION: CertificateReason.MALFORMED,
    _Codes.ERR_INVALID_POLICY_EXTENSION: CertificateReason.MALFORMED,
    _Codes.ERR_UNSUPPORTED_NAME_SYNTAX: CertificateReason.MALFORMED,
    _Codes.ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD: CertificateReason.MALFORMED,
    _Codes.ERR_ERROR_IN_CERT_NOT_AFTER_FIELD: CertificateReason.MALFORMED,
    _Codes.ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: CertificateReason.MALFORMED,
    66: CertificateReason.WEAK_KEY,  # X509_V_ERR_EE_KEY_TOO_SMALL
    67: CertificateReason.WEAK_KEY,  # X509_V_ERR_CA_KEY_TOO_SMALL
    68: CertificateReason.WEAK_SIGNATURE,  # X509_V_ERR_CA_MD_TOO_WEAK
}


def reason_of(error: int, certificate: x509.Certificate, depth: int) -> CertificateReason:
    """Return what OpenSSL's `error` means for `certificate`, which is `depth` above the server's.

    Some of its numbers stand for several things.
    """
    match REASONS.get(error, CertificateReason.INVALID):
        case CertificateReason.UNKNOWN_ISSUER if depth == 0 and _names_its_issuers(certificate):
            return CertificateReason.INCOMPLETE_CHAIN
        case CertificateReason.NO_AUTHORITY if _is_marked_as_authority(certificate):
            return CertificateReason.KEY_USAGE
        case CertificateReason.PURPOSE if depth == 0 and _is_for_servers(certificate):
            return CertificateReason.KEY_USAGE
        case reason:
            return reason


def _names_its_issuers(certificate: x509.Certificate) -> bool:
    """Return whether it says where its issuer's certificate is (RFC 5280 section 4.2.2.1).

    All public authorities write that into what their intermediates issue, and next to no private
    one does. Nothing else tells a missing intermediate from a missing root: neither is there.
    """
    access = _extension(certificate, x509.AuthorityInformationAccess)
    issuers = AuthorityInformationAccessOID.CA_ISSUERS
    return access is not None and any(each.access_method == issuers for each in access)


def _is_marked_as_authority(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _is_for_servers(certificate: x509.Certificate) -> bool:
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    return purposes is None or ExtendedKeyUsageOID.SERVER_AUTH in purposes


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except Exception:  # noqa: BLE001 - hostile extensions raise anything
        return None
