"""Where the attacks are described."""

from __future__ import annotations

from typing import Final

NO_STARTTLS: Final = (
    "D. Poddebniak, F. Ising, H. Boeck, S. Schinzel: Why TLS is better without STARTTLS,"
    " USENIX Security 2021"
)
EAST: Final = f"{NO_STARTTLS}; the test cases of its toolkit (EAST)"
INJECTION: Final = (
    f"{NO_STARTTLS}; CVE-2011-0411 and its kin turned round: CVE-2020-14954,"
    " CVE-2020-15953, CVE-2021-38371, CVE-2026-41319"
)
PREAUTH: Final = f"{NO_STARTTLS}; CVE-2020-12398, CVE-2020-14093"
STRIPPING: Final = f"{NO_STARTTLS}; CVE-2016-0772"
UNTAGGED: Final = f"{EAST}; CVE-2021-38370"
ALPACA: Final = "M. Brinkmann et al.: ALPACA, USENIX Security 2021"
NAMES: Final = "RFC 9525 section 6; M. Georgiev et al.: The most dangerous code in the world, 2012"
UNCHECKED: Final = "RFC 8314 section 5.3; CVE-2021-26911"
VERSIONS: Final = "RFC 8997; RFC 9325 section 3.1.1"
TRUNCATION: Final = "RFC 8446 section 6.1; B. Smyth, A. Pironti: Truncating TLS connections, 2013"
REFERRALS: Final = "RFC 2221, RFC 2193; EAST's cases L and M"
SASL: Final = "RFC 4422 section 3"
