"""From a mail address to a working account, and how it keeps up with its provider (RFC 8314 §5.1).

`discover()` finds the servers, `Plan.account()` makes the account, `verify_account()` tries it.
`configuration_changes()` looks, from time to time and never during a connect, at what the provider
advertises now.
"""

from securemail.discovery.finding import Advertised, Finding
from securemail.policy.offer import TLSOffer, tls_offer
from securemail.setup.changes import configuration_changes
from securemail.setup.discover import discover
from securemail.setup.offer import with_offers
from securemail.setup.report import AccountReport, LoginResult, ServiceReport, Step
from securemail.setup.source import Question, Source
from securemail.setup.sources import SRV, Autoconfig, WellKnown, default_sources
from securemail.setup.verify import verify_account

__all__ = [
    "SRV",
    "AccountReport",
    "Advertised",
    "Autoconfig",
    "Finding",
    "LoginResult",
    "Question",
    "ServiceReport",
    "Source",
    "Step",
    "TLSOffer",
    "WellKnown",
    "configuration_changes",
    "default_sources",
    "discover",
    "tls_offer",
    "verify_account",
    "with_offers",
]
