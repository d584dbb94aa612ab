"""Both versions of TLS and both modes, for tests that want all of them."""

from __future__ import annotations

import ssl
from typing import Final

import pytest

from securemail import TLSMode
from tests.session.scripts import IMPLICIT, UPGRADED

TLS12: Final = ssl.TLSVersion.TLSv1_2
TLS13: Final = ssl.TLSVersion.TLSv1_3
VERSION: Final = pytest.mark.parametrize(
    "version", [TLS12, TLS13], ids=lambda version: version.name
)
MODE: Final = pytest.mark.parametrize(
    "tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS], ids=lambda tls: tls.name
)

# The dialogue of a login by password that works.
LOGIN: Final = {TLSMode.IMPLICIT: IMPLICIT, TLSMode.STARTTLS: UPGRADED}
