"""An account as a table of texts, numbers and lists: what JSON and TOML have. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from cryptography import x509

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.errors import UsageError
from securemail.minimum import RFC_MINIMUM
from securemail.pin import Pin
from securemail.proxy import Proxy, ProxyKind
from securemail.store.entry import Entry, Login, LoginKind
from securemail.store.fields import LongText, at, choice, each, table, word
from securemail.store.policies import policy_in, policy_table
from securemail.trust import TrustStore

_CERTIFICATE: Final = "client_certificate"
_SERVICES: Final = {word(service): service for service in Service}
_PLAIN: Final = {"prefer_external": bool, "authorization_identity": str, "ehlo_name": str}
_ACCOUNT: Final[Mapping[str, type]] = {
    "address": str,
    **dict.fromkeys(_SERVICES, dict),
    "login": dict,
    _CERTIFICATE: LongText,
    "policy": dict,
    "trust": dict,
    "pins": list,
    "proxy": dict,
    **_PLAIN,
}
_ENDPOINT: Final[Mapping[str, type]] = {
    "host": str,
    "port": int,
    "tls": str,
    "addresses": list,
    "srv_domain": str,
}
_LOGIN: Final[Mapping[str, type]] = {"kind": str, "username": str, "mechanisms": list}
_TRUST: Final[Mapping[str, type]] = {"label": str, "pem": LongText}
_PROXY: Final[Mapping[str, type]] = {"kind": str, "host": str, "port": int, "username": str}
_PIN: Final[Mapping[str, type]] = {
    "address": str,
    "service": str,
    "host": str,
    "port": int,
    "certificate": LongText,
    "made_at": str,
    "acknowledged": str,
}


def entry_table(entry: Entry) -> dict[str, Any]:
    """Return `entry`; what is as by default is left out. It holds no secret."""
    account = entry.account
    values: dict[str, Any] = {"address": account.address}
    for name, service in _SERVICES.items():
        if endpoint := account.endpoint(service):
            values[name] = _endpoint_table(endpoint)
    if entry.login:
        values["login"] = _login_table(entry.login)
    if entry.certificate:
        values[_CERTIFICATE] = entry.certificate.decode("ascii")
    if account.policy != RFC_MINIMUM:
        values["policy"] = policy_table(account.policy)
    if account.trust.pem is not None:
        values["trust"] = {
            "label": account.trust.label,
            "pem": account.trust.pem.decode("utf-8", "replace"),
        }
    if account.pins:
        values["pins"] = [pin.to_dict() for pin in sorted(account.pins, key=str)]
    if account.proxy is not None:
        values["proxy"] = _proxy_table(account.proxy, entry.proxy_username)
    return values | {name: value for name in _PLAIN if (value := getattr(account, name))}


def entry_in(
    data: object, place: str, *, trust: TrustStore | None = None, pins: Iterable[Pin] = ()
) -> Entry:
    """Return the entry that `entry_table` has made.

    `trust` and `pins` are used where the table has none: they may be kept beside it.

    Raises: UsageError that names the place, for anything else.
    """
    values = table(data, place, _ACCOUNT, required=["address"])
    username = ""
    kept = {name: values[name] for name in ("address", *_PLAIN) if name in values}
    for name in _SERVICES.keys() & values.keys():
        kept[name] = _endpoint_in(values[name], f"{place}.{name}")
    if "policy" in values:
        kept["policy"] = policy_in(values["policy"], f"{place}.policy")
    if "trust" in values:
        trust = _trust_in(values["trust"], f"{place}.trust")
    if "pins" in values:
        pins = [pin_in(pin, f"{place}.pins[{n}]") for n, pin in enumerate(values["pins"])]
    if "proxy" in values:
        kept["proxy"], username = _proxy_in(values["proxy"], f"{place}.proxy")
    login = _login_in(values["login"], f"{place}.login") if "login" in values else None
    with at(place):
        account = Account(
            **kept, trust=trust or TrustStore.system(), pins=frozenset(pins), is_existing=True
        )
        certificate = _certificate_in(values.get(_CERTIFICATE, ""))
        return Entry(account=account, login=login, certificate=certificate, proxy_username=username)


def pin_in(data: object, place: str) -> Pin:
    """Return the pin that `Pin.to_dict()` has made.

    Raises: UsageError that names the place, for anything else.
    """
    with at(place):
        return Pin.from_dict(table(data, place, _PIN))


def _certificate_in(pem: str) -> bytes:
    """Return the client certificate and its chain; whether the key fits shows with the key."""
    try:
        if pem:
            x509.load_pem_x509_certificates(pem.encode("ascii"))
    except Exception as exc:  # cryptography's InvalidVersion is no ValueError, nor are its warnings
        raise UsageError(f"no certificate in the PEM: {exc}", field=_CERTIFICATE) from exc
    return pem.encode("ascii")


def _endpoint_table(endpoint: Endpoint) -> dict[str, Any]:
    values: dict[str, Any] = {
        "host": endpoint.host,
        "port": endpoint.port,
        "tls": word(endpoint.tls),
    }
    if endpoint.addresses:
        values["addresses"] = list(endpoint.addresses)
    return values | ({"srv_domain": endpoint.srv_domain} if endpoint.srv_domain else {})


def _endpoint_in(data: object, place: str) -> Endpoint:
    values = table(data, place, _ENDPOINT, required=["host", "port", "tls"])
    tls = choice(TLSMode, values.pop("tls"), f"{place}.tls")
    addresses = each(values.get("addresses", ()), f"{place}.addresses", str)
    with at(place):
        return _endpoint(
            values["host"], values["port"], tls, addresses, values.get("srv_domain", "")
        )


@lru_cache(maxsize=1024)
def _endpoint(
    host: str, port: int, tls: TLSMode, addresses: tuple[str, ...], srv_domain: str
) -> Endpoint:
    # Thousands of accounts have the same few servers, and IDNA takes 0.1 ms for each.
    return Endpoint(host, port, tls, addresses=addresses, srv_domain=srv_domain)


def _login_table(login: Login) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": word(login.kind), "username": login.username}
    return values | ({"mechanisms": list(login.mechanisms)} if login.mechanisms else {})


def _login_in(data: object, place: str) -> Login:
    values = table(data, place, _LOGIN, required=["kind", "username"])
    kind = choice(LoginKind, values["kind"], f"{place}.kind")
    mechanisms = each(values.get("mechanisms", ()), f"{place}.mechanisms", str)
    return Login(kind=kind, username=values["username"], mechanisms=mechanisms)


def _proxy_table(proxy: Proxy, username: str) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": word(proxy.kind), "host": proxy.host, "port": proxy.port}
    return values | ({"username": username} if username else {})


def _proxy_in(data: object, place: str) -> tuple[Proxy, str]:
    """Return the proxy, and the user name for it, which has to fit as well."""
    values = table(data, place, _PROXY, required=["kind", "host", "port"])
    kind = choice(ProxyKind, values["kind"], f"{place}.kind")
    username = values.get("username", "")
    with at(place):
        # With any password: what is refused is the name.
        Proxy(kind, values["host"], values["port"], username=username, password=username and "x")
        return Proxy(kind, values["host"], values["port"]), username


def _trust_in(data: object, place: str) -> TrustStore:
    values = table(data, place, _TRUST, required=["pem"])
    with at(place):
        trust = TrustStore.from_pem(values["pem"].encode())
    return replace(trust, label=values.get("label", trust.label))
