"""OpenSSL contexts: what we offer and whom we believe (RFC 9325). No I/O but the system's CA files.

A context holds no secret of any account: no key, no session (those that may be resumed are kept
beside it, each for one account). It is built once for each key and shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from OpenSSL.crypto import X509

from securemail.proof import TLSVersion
from securemail.tls.handshake import notice, verify
from securemail.tls.revocation import hear_staple
from securemail.trust import TrustStore

# RFC 9325 section 4.2: forward secrecy and AEAD. Security level 2 refuses RSA below 2,048 bits and
# SHA-1. TLS 1.3 has nothing else to begin with.
_TLS12_CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"

# pyOpenSSL lets us name one group, not a list; every TLS 1.3 server must have this one (RFC 8446
# section 9.1), and every TLS 1.2 server in the field has it.
_CLASSICAL: Final = ec.SECP256R1()

# SSL_MODE_NO_AUTO_CHAIN, which pyOpenSSL does not name. Without it OpenSSL puts authorities
# that the account trusts behind a client certificate that has no chain of its own.
_NO_AUTO_CHAIN: Final = 0x8

ClientContext = SSL.Context

_MINIMUM: Final = {
    TLSVersion.TLS_1_2: SSL.TLS1_2_VERSION,
    TLSVersion.TLS_1_3: SSL.TLS1_3_VERSION,
}

# RFC 9325 sections 3.3 and 3.5. A renegotiation could swap what the proof stands on. NO_TICKET is
# about TLS 1.2, which we do not resume: its tickets cross the line in cleartext.
_OPTIONS: Final = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET


@dataclass(frozen=True, slots=True)
class ContextKey:
    """What makes two contexts the same.

    `client_chain` are the intermediates behind the account's client certificate: OpenSSL keeps
    them in the context, so that accounts share one only if they have the same. `is_hybrid` offers
    a post-quantum key exchange beside the others.
    """

    trust: TrustStore
    minimum_tls: TLSVersion
    client_chain: tuple[x509.Certificate, ...] = ()
    is_hybrid: bool = True


def build_context(key: ContextKey) -> ClientContext:
    """Return a new client context. Takes 3 ms with a file of authorities: not on the event loop."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(_MINIMUM[key.minimum_tls])
    context.set_cipher_list(_TLS12_CIPHERS)
    if not key.is_hybrid:
        context.set_tmp_ecdh(_CLASSICAL)
    context.set_options(_OPTIONS)
    # 42 instead of 67 KiB in OpenSSL per idle connection.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS | _NO_AUTO_CHAIN)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER, verify)
    context.set_info_callback(notice)
    context.set_ocsp_client_callback(hear_staple)
    for issuer in key.client_chain:
        context.add_extra_chain_cert(issuer)
    _load_authorities(context, key.trust)
    return context


def _load_authorities(context: SSL.Context, trust: TrustStore) -> None:
    if trust.pem is None:
        context.set_default_verify_paths()
        return
    store = context.get_cert_store()
    if store is None:
        raise RuntimeError("OpenSSL made a context without a certificate store")
    for certificate in x509.load_pem_x509_certificates(trust.pem):
        store.add_cert(X509.from_cryptography(certificate))
