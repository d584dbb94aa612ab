"""From a mail address to a working account, and how it keeps up with its provider (RFC 8314 §5.1).

`discover()` finds the servers, `Plan.account()` makes the account, `verify_account()` tries it.
`configuration_changes()` looks, from time to time and never during a connect, at what the provider
advertises now.
"""

from securemail.setup.discover import discover
from securemail.setup.source import Question, Source
from securemail.setup.sources import SRV, Autoconfig, WellKnown, default_sources

__all__ = [
    "SRV",
    "Autoconfig",
    "Question",
    "Source",
    "WellKnown",
    "default_sources",
    "discover",
]
