"""What every service's hand-over has in common."""

from __future__ import annotations

import pytest

from securemail import Endpoint, Service, TLSError, TLSMode
from securemail.aio.transport import SecureTransport
from securemail.aio.upper import Upper
from securemail.transports.handover import Handover, hand_over


@pytest.mark.parametrize("service", Service)
async def test_a_connection_that_broke_with_the_login_is_not_handed_over(service: Service) -> None:
    transport = SecureTransport(Upper())
    transport._fail(TLSError("cleartext in the middle of the records"))
    handover = Handover(
        transport=transport,
        endpoint=Endpoint("mail.example.org", 993, TLSMode.IMPLICIT),
        capabilities=frozenset({"IDLE"}),
        early=b"",
        timeout_s=1,
    )
    with pytest.raises(TLSError, match="in the middle of the records"):
        await hand_over(service, handover)
