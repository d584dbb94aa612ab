"""The throw-away certificate authority: what each certificate is, as stdlib ssl judges it."""

from __future__ import annotations

import builtins
import ssl
import sys
from collections.abc import Mapping, Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from securemail.testing.ca import CertificateAuthority, ServerCertificate, self_signed
from tests.testing.clients import HOST


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str = HOST) -> ssl.SSLObject:
    """Shake hands in memory; raise what the client's verification raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = client.wrap_bio(to_client, to_server, server_hostname=host)
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (client_end, server_end):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client_end


def trusting(ca: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca.pem.decode())


def refusal(certificate: ServerCertificate, ca: CertificateAuthority) -> str:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        handshake(certificate.context(), trusting(ca))
    return caught.value.verify_message


def test_a_server_context_is_trusted_by_its_root_for_its_names(ca: CertificateAuthority) -> None:
    context = ca.server_context(HOST, "127.0.0.1")
    assert handshake(context, trusting(ca)).version() == "TLSv1.3"
    assert handshake(context, trusting(ca), "127.0.0.1").version() == "TLSv1.3"


def test_another_name_is_refused(ca: CertificateAuthority) -> None:
    assert "Hostname mismatch" in refusal(ca.issue("other.example.org"), ca)


def test_an_expired_certificate_is_expired(ca: CertificateAuthority) -> None:
    assert refusal(ca.expired(HOST), ca) == "certificate has expired"


def test_a_certificate_of_tomorrow_is_not_yet_valid(ca: CertificateAuthority) -> None:
    assert refusal(ca.not_yet_valid(HOST), ca) == "certificate is not yet valid"


def test_a_common_name_only_certificate_has_no_alternative_name(ca: CertificateAuthority) -> None:
    certificate = x509.load_pem_x509_certificate(ca.common_name_only(HOST).pem)
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    client = trusting(ca)
    # Python 3.11's default context still believes the common name: that is what the test is about.
    assert handshake(ca.common_name_only(HOST).context(), client).version() == "TLSv1.3"
    client.hostname_checks_common_name = False
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(ca.common_name_only(HOST).context(), client)


def test_a_self_signed_certificate_is_self_signed(ca: CertificateAuthority) -> None:
    assert refusal(self_signed(HOST), ca) == "self-signed certificate"


def test_another_authority_is_an_unknown_issuer(ca: CertificateAuthority) -> None:
    words = refusal(CertificateAuthority().issue(HOST), ca)
    assert words == "unable to get local issuer certificate"


def test_a_certificate_without_any_name_is_refused(ca: CertificateAuthority) -> None:
    with pytest.raises(ValueError, match="needs a name"):
        ca.issue()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_highest_version_is_as_asked(ca: CertificateAuthority, version: ssl.TLSVersion) -> None:
    context = ca.server_context(HOST, maximum_version=version)
    done = handshake(context, trusting(ca)).version()
    assert done == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


def test_a_server_of_tls_1_1_is_refused_by_a_client_of_tls_1_2(ca: CertificateAuthority) -> None:
    context = ca.server_context(HOST, maximum_version=ssl.TLSVersion.TLSv1_1)
    with pytest.raises(ssl.SSLError):
        handshake(context, trusting(ca))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_server_of_tls_1_1_speaks_it_with_a_client_that_wants_it(
    ca: CertificateAuthority,
) -> None:
    client = trusting(ca)
    client.minimum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    context = ca.server_context(HOST, maximum_version=ssl.TLSVersion.TLSv1_1)
    assert handshake(context, client).version() == "TLSv1.1"


def test_keys_are_p_256(ca: CertificateAuthority) -> None:
    for pem in (ca.pem, ca.issue(HOST).pem, ca.client_pem("alice"), self_signed(HOST).pem):
        key = x509.load_pem_x509_certificate(pem).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"


def test_the_repr_of_a_certificate_does_not_show_its_key(ca: CertificateAuthority) -> None:
    assert "PRIVATE" not in repr(ca.issue(HOST))


def test_without_trustme_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - as in `__import__`
        locals: Mapping[str, object] | None = None,  # noqa: A002 - as in `__import__`
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        if name == "trustme":
            raise ImportError(name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.delitem(sys.modules, "trustme", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"securemail\[testing\]"):
        CertificateAuthority()
