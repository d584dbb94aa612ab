"""Fetches a provider's configuration file over HTTPS. Needs the extra `securemail[autoconfig]`.

What is asked for, and from whom, is a question of privacy: the address goes to the domain's own
hosts only, and by default no third party is asked at all.
"""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from securemail.discovery.autoconfig import servers_in_file
from securemail.discovery.finding import Finding
from securemail.errors import DiscoveryError, UsageError
from securemail.setup.source import Question

PROVIDER: Final = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)


@dataclass(frozen=True, slots=True)
class Autoconfig:
    """Configuration files in Mozilla's format.

    `urls` are asked all at once, and the first of them that has a file counts. In each, `{domain}`
    is the address's domain, and `{address}` the whole address, which only a host inside the domain
    may be told. A database is a source of its own, for programs that accept to tell it which
    domains their users have mail at:

        Autoconfig(["https://autoconfig.thunderbird.net/v1.1/{domain}"], name="Thunderbird's list")

    Raises: UsageError for a URL that is not https, or would tell the address to others.
    """

    urls: tuple[str, ...] = PROVIDER
    name: str = "autoconfig"

    def __init__(
        self, urls: tuple[str, ...] | list[str] = PROVIDER, *, name: str = "autoconfig"
    ) -> None:
        object.__setattr__(self, "urls", tuple(urls))
        object.__setattr__(self, "name", name)
        for url in self.urls:
            _check(url)

    async def find(self, question: Question) -> Finding:
        """Return the servers in the first file there is; that there is none is a note."""
        if importlib.util.find_spec("aiohttp") is None:
            return Finding(source=self.name, notes=(_MISSING.format(name=self.name),))
        urls = [_filled(url, question) for url in self.urls]
        results = await asyncio.gather(*(self._fetch(url, question) for url in urls))
        files = [result for result in results if isinstance(result, Finding)]
        if files:
            return files[0]
        return Finding(source=self.name, notes=tuple(map(str, results)))

    async def _fetch(self, url: str, question: Question) -> Finding | DiscoveryError:
        # aiohttp takes 0.2 s to import: those who do not ask for files do not wait for it.
        from securemail.setup.sources.https import fetch  # noqa: PLC0415 - see above

        shown = url.partition("?")[0]
        try:
            data = await fetch(url, question)
            return servers_in_file(data, question.address, source=self.name, url=shown)
        except DiscoveryError as exc:
            return DiscoveryError(f"{shown}: {exc}", reason=exc.reason)


_MISSING: Final = "{name} was not asked: it needs aiohttp (extra securemail[autoconfig])"


def _check(url: str) -> None:
    if not url.startswith("https://"):
        raise UsageError(f"{url!r} is not https", field="Autoconfig.urls")
    host = urlsplit(url).hostname or ""
    if "{address}" in url and not (host == "{domain}" or host.endswith(".{domain}")):
        raise UsageError(f"{url!r} would tell the address to others", field="Autoconfig.urls")


def _filled(url: str, question: Question) -> str:
    return url.replace("{domain}", question.domain).replace(
        "{address}", quote(question.address, safe="@")
    )
