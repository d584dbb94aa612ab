"""Where the attacks are described.

The numbers were looked up in vulnerability records, the projects' own reports, and the list of what
the paper's authors found. CVE-2011-0411 is Postfix's, where a server took injected commands.
"""

from __future__ import annotations

from typing import Final

NO_STARTTLS: Final = (
    "D. Poddebniak, F. Ising, H. Böck, S. Schinzel: Why TLS is better without STARTTLS,"
    " USENIX Security 2021"
)
EAST: Final = f"{NO_STARTTLS}; the test cases of its toolkit (EAST)"
INJECTION: Final = (
    f"{NO_STARTTLS}; CVE-2011-0411 turned round: CVE-2020-14954 (Mutt), CVE-2020-15953 (LibEtPan),"
    " CVE-2021-38371 (Exim), CVE-2026-41319 (MailKit)"
)
PREAUTH: Final = f"{NO_STARTTLS}; CVE-2020-12398 (Thunderbird), CVE-2020-14093 (Mutt)"
STRIPPING: Final = f"{NO_STARTTLS}; CVE-2016-0772 (Python's smtplib)"
UNTAGGED: Final = f"{EAST}; CVE-2021-29969 (Thunderbird), CVE-2021-38370 (Alpine)"
ALPACA: Final = (
    "M. Brinkmann et al.: ALPACA: Application Layer Protocol Confusion, USENIX Security 2021"
)
NAMES: Final = "RFC 9525 section 6; M. Georgiev et al.: The most dangerous code in the world, 2012"
UNCHECKED: Final = "RFC 8314 section 5.3; CVE-2021-26911 (Canary Mail, IMAP with STARTTLS)"
VERSIONS: Final = "RFC 8997; RFC 9325 section 3.1.1"
TRUNCATION: Final = "RFC 8446 section 6.1"
REFERRALS: Final = "RFC 2221, RFC 2193; EAST's cases L_1 and M_1"
SASL: Final = "RFC 4422 section 3"
