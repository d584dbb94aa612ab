"""TLS contexts are built once, off the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from securemail import ClientCertificate, TLSVersion, TrustStore
from securemail.aio import contexts
from securemail.aio.contexts import shared_context
from securemail.testing import CertificateAuthority
from securemail.tls.context import ClientContext, ContextKey, build_context


def key(pem: bytes, minimum: TLSVersion = TLSVersion.TLS_1_2) -> ContextKey:
    return ContextKey(TrustStore.from_pem(pem), minimum)


async def test_sessions_that_start_together_share_one_context_built_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built_in: list[int] = []

    def build(wanted: ContextKey) -> ClientContext:
        built_in.append(threading.get_ident())
        return build_context(wanted)

    monkeypatch.setattr(contexts, "build_context", build)
    wanted = key(CertificateAuthority().pem)
    found = await asyncio.gather(*(shared_context(wanted) for _ in range(20)))
    assert len({id(context) for context in found}) == 1
    assert len(built_in) == 1
    assert built_in[0] != threading.get_ident()


async def test_other_authorities_or_another_minimum_get_another_context() -> None:
    pem, other = CertificateAuthority().pem, CertificateAuthority().pem
    keys = [key(pem), key(other), key(pem, TLSVersion.TLS_1_3)]
    found = [await shared_context(wanted) for wanted in keys]
    assert len({id(context) for context in found}) == 3


async def test_accounts_with_other_intermediates_do_not_share_a_context() -> None:
    ca = CertificateAuthority()
    mine = ClientCertificate.from_pem(ca.client_pem("alice"))
    plain = key(ca.pem)
    with_chain = ContextKey(plain.trust, plain.minimum_tls, (mine.certificate,))
    assert await shared_context(plain) is not await shared_context(with_chain)
