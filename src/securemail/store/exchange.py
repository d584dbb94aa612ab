"""Accounts as a text in JSON or TOML: for a backup, another computer, a person's editor.

No secret is in it. Whoever has written it says where the passwords go: read your own only.
No I/O here.
"""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, Final, NoReturn

from securemail import limits
from securemail.account import Account, Service
from securemail.discovery.names import domain_of
from securemail.errors import UsageError
from securemail.revocation import Revocation
from securemail.store.document import entry_in, entry_table
from securemail.store.entry import Entry
from securemail.store.fields import word

_VERSION: Final = 1
_PLACE: Final = "file"
# What is no key: texts, of several lines too, and comments. One that does not end takes the rest,
# so that nothing is looked at twice: tomllib gets no further than that either.
_TOML_TEXT: Final = re.compile(
    r'''
      """ (?: [^"\\] | \\.? | "(?!"") )*+ (?: "{3,5} )?
    | \'\'\' (?: [^'] | '(?!\'\') )*+ (?: '{3,5} )?
    | " (?: [^"\\\n] | \\.? )*+ "?
    | ' [^'\n]*+ '?
    | [#] [^\n]*+
    ''',
    re.DOTALL | re.VERBOSE,
)


class Format(Enum):
    """How accounts are written."""

    JSON = "JSON"
    TOML = "TOML"


def write(entries: Iterable[Entry], form: Format) -> str:
    """Return the accounts as a text.

    Raises: UsageError for TOML without the extra `securemail[toml]`, and for more than can be read.
    """
    accounts = [entry_table(entry) for entry in entries]
    data = {"securemail": _VERSION, "accounts": accounts}
    text = json.dumps(data, indent=2) + "\n" if form is Format.JSON else _toml(data)
    if len(text) > limits.ACCOUNT_FILE_CHARS:
        raise UsageError(f"its {len(text)} characters could not be read again", field=_PLACE)
    return text


def read(
    text: str, form: Format, *, with_pins: bool = False, with_trust: bool = False
) -> tuple[Entry, ...]:
    """Return the accounts that `write` has written.

    A file with pins is refused, unless `with_pins` says that a person knows who wrote it: they
    vouch for servers that nobody else vouches for (RFC 8314 section 5.4). So is, without
    `with_trust`, one whose accounts are told whom to believe by the file instead of by this
    computer: authorities, addresses instead of the DNS, another domain's certificate, revocation
    that is not asked for, a proxy.

    Raises: UsageError that names the place, for anything else.
    """
    if not isinstance(text, str) or len(text) > limits.ACCOUNT_FILE_CHARS:
        raise UsageError(f"no text of at most {limits.ACCOUNT_FILE_CHARS} characters", field=_PLACE)
    values = _parsed(text, form)
    if not isinstance(values, dict) or values.keys() != {"securemail", "accounts"}:
        raise UsageError("it has not the fields securemail and accounts", field=_PLACE)
    version, accounts = values["securemail"], values["accounts"]
    if type(version) is not int or version != _VERSION:
        raise UsageError(f"version {version!r:.20} is not {_VERSION}", field=f"{_PLACE}.securemail")
    if not isinstance(accounts, list) or len(accounts) > limits.ACCOUNT_FILE_ACCOUNTS:
        most = limits.ACCOUNT_FILE_ACCOUNTS
        raise UsageError(f"no list of at most {most}", field=f"{_PLACE}.accounts")
    return tuple(
        _entry(each, f"accounts[{n}]", with_pins=with_pins, with_trust=with_trust)
        for n, each in enumerate(accounts)
    )


def _entry(data: object, place: str, *, with_pins: bool, with_trust: bool) -> Entry:
    entry = entry_in(data, place)
    if entry.account.pins and not with_pins:
        raise UsageError("pins are taken over only where that is asked for", field=f"{place}.pins")
    if (names := tuple(_trusting(entry.account))) and not with_trust:
        raise UsageError(
            f"{', '.join(names)}: whom to believe is taken over only where that is asked for",
            field=place,
        )
    return entry


def _trusting(account: Account) -> Iterator[str]:
    """Yield the fields that say whom to believe, where that is not as it is by default."""
    if account.trust.pem is not None:
        yield "trust"
    if account.policy.revocation is Revocation.OFF:
        yield "policy.revocation"
    if account.proxy is not None:
        yield "proxy"  # it looks the servers' names up, and learns the password for it
    for service in Service:
        endpoint = account.endpoint(service)
        if endpoint and endpoint.addresses:
            yield f"{word(service)}.addresses"
        if endpoint and endpoint.srv_domain and not _is_own(endpoint.srv_domain, account.address):
            yield f"{word(service)}.srv_domain"


def _is_own(domain: str, address: str) -> bool:
    try:
        return domain == domain_of(address)
    except UsageError:
        return False  # no certificate can name it


def _parsed(text: str, form: Format) -> object:
    try:
        match form:
            case Format.JSON:
                return json.loads(
                    text, object_pairs_hook=_once, parse_float=_refused, parse_constant=_refused
                )
            case Format.TOML:
                _check_dots(text)
                return tomllib.loads(text, parse_float=_refused)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"no {form.value}: {exc}", field=_PLACE) from None


def _toml(data: dict[str, Any]) -> str:
    if importlib.util.find_spec("tomli_w") is None:
        raise UsageError("to write TOML needs securemail[toml]", field="form")
    import tomli_w  # noqa: PLC0415 - an extra

    return tomli_w.dumps(data)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two fields of one name: a person reads the first, json takes the last.
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is there twice")
    return fields


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no whole number")


def _check_dots(text: str) -> None:
    # A key of 100,000 parts takes tomllib minutes.
    lines = _TOML_TEXT.sub("", text).split("\n")
    if any(line.count(".") > limits.TOML_DOTS for line in lines):
        raise ValueError(f"more than {limits.TOML_DOTS} dots in a line, outside of its texts")
