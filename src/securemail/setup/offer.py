"""What becomes of an account whose person takes the offer of TLS (RFC 8314 section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from securemail.account import Account, Service
from securemail.discovery.endpoints import with_endpoint
from securemail.minimum import RFC_MINIMUM
from securemail.policy.offer import TLSOffer


def with_offers(account: Account, offers: Iterable[TLSOffer]) -> Account:
    """Return the account as it is once a person has taken the offers.

    With one for each of its services, the minimum of RFC 8314 holds from then on.
    """
    taken = {offer.service: offer for offer in offers}
    for offer in taken.values():
        account = with_endpoint(account, offer.service, offer.endpoint)
    has_all = all(service in taken for service in Service if account.endpoint(service) is not None)
    return replace(account, policy=RFC_MINIMUM) if taken and has_all else account
