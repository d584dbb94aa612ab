"""The domain of an address, and which hosts lie inside it (RFC 6186 section 6). No I/O here."""

from __future__ import annotations

import re
from typing import Final

from securemail.account import Endpoint, TLSMode
from securemail.errors import UsageError

_ANY_PORT: Final = 1
# RFC 5322 section 3.2.3: these stand in a local part only between quotes. Two addresses in one
# argument would lead to the servers of the second.
_LOCAL_PART: Final = re.compile(r'"[^"\\]*(\\.[^"\\]*)*"|[^\s"(),:;<>@\[\\\]]+')


def domain_of(address: str) -> str:
    """Return the domain of a mail address in A-label form, in lower case.

    The local part may be in any script, as RFC 6531 has it; so may the domain (RFC 5891).

    Raises: UsageError for what is no address, and for an address at an IP address: there is no
    domain to ask.
    """
    local, at, domain = str(address).rpartition("@")
    is_local = _LOCAL_PART.fullmatch(local) and str(address).isprintable()
    if not (is_local and at and domain):
        raise UsageError(f"{address!r} is not a mail address", field="address")
    endpoint = _endpoint(domain, "address")
    if endpoint.is_address:
        raise UsageError(f"{address!r} is at an IP address: give its servers", field="address")
    return endpoint.host


def canonical_host(name: str, field: str) -> str:
    """Return a host's name or IP address as an `Endpoint` keeps it; `field` is whose mistake it is.

    Raises: UsageError for what is neither.
    """
    return _endpoint(name, field).host


def _endpoint(name: str, field: str) -> Endpoint:
    try:
        return Endpoint(name, _ANY_PORT, TLSMode.IMPLICIT)
    except UsageError as exc:
        raise UsageError(f"{name!r} is not a host name", field=field) from exc


def is_inside(host: str, domain: str) -> bool:
    """Return whether `host` is `domain` or a name below it, both in A-label form.

    Compared by whole labels: notexample.org is not inside example.org. A domain of one label is a
    registry's, and those below it belong to others: only itself is inside. Registries with more
    labels (co.uk) are not known here: nobody has mail at them.
    """
    return host == domain or ("." in domain and host.endswith(f".{domain}"))
