"""Where `discover()` looks, in the order in which it does."""

from securemail.setup.source import Source
from securemail.setup.sources.autoconfig import Autoconfig
from securemail.setup.sources.srv import SRV
from securemail.setup.sources.well_known import WellKnown

__all__ = ["SRV", "Autoconfig", "WellKnown", "default_sources"]


def default_sources() -> tuple[Source, ...]:
    """Return SRV records, the provider's file, and well-known names; no third party is asked."""
    return (SRV(), Autoconfig(), WellKnown())
