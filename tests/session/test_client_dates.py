"""A client certificate out of its time ends the attempt before anything is connected to."""

from __future__ import annotations

import datetime as dt

import pytest

from securemail import ClientCertificate, SecureSession, Service, TLSMode, UsageError
from securemail.testing import CertificateAuthority, ScriptedServer
from tests.session.scripts import HOST, IMPLICIT, LEAVE, account

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
WHEN = {"expired on": (-30, -1), "valid from": (1, 30)}


def certificate(ca: CertificateAuthority, start: int, end: int) -> ClientCertificate:
    issued = ca.issue(common_name="alice", not_before=NOW + start * DAY, not_after=NOW + end * DAY)
    return ClientCertificate.from_pem(issued.pem)


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
@pytest.mark.parametrize("says", WHEN)
async def test_an_account_with_a_certificate_out_of_its_time_connects_to_nobody(
    says: str, tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with ScriptedServer((), context=ca.server_context(HOST)) as server:
        mine = account(server, ca, tls, client_certificate=certificate(ca, *WHEN[says]))
        for connect in (SecureSession.connect, SecureSession.open):
            with pytest.raises(UsageError, match=says) as caught:
                await connect(mine, Service.IMAP)
            assert caught.value.field == "ClientCertificate"
    assert server.connections == 0


async def test_a_certificate_on_its_last_day_still_goes(ca: CertificateAuthority) -> None:
    context = ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=context) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, client_certificate=certificate(ca, -30, 1))
        session = await SecureSession.connect(mine, Service.IMAP)
        assert session.confidentiality.client_certificate_sent
        await session.aclose()
