"""A provider's configuration file in Mozilla's format (draft-bucksch-autoconfig). No I/O here.

The file is somebody else's: it may have no DOCTYPE, and so no entities to expand; its size, its
elements and their depth are bounded, and it is read without recursion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.parsers import expat

from securemail import limits
from securemail.account import Endpoint, Service, TLSMode
from securemail.discovery.finding import Advertised, Finding
from securemail.discovery.names import domain_of
from securemail.errors import DiscoveryError, DiscoveryReason, UsageError
from securemail.wire.text import printable

_ROOT: Final = ("clientConfig", "emailProvider")

_SERVERS: Final[Mapping[tuple[str, str], Service]] = {
    ("incomingServer", "imap"): Service.IMAP,
    ("incomingServer", "pop3"): Service.POP3,
    ("outgoingServer", "smtp"): Service.SUBMISSION,
}

_MODES: Final[Mapping[str, TLSMode]] = {
    "SSL": TLSMode.IMPLICIT,
    "STARTTLS": TLSMode.STARTTLS,
    "plain": TLSMode.NONE,
}

_FIELDS: Final = frozenset({"hostname", "port", "socketType", "username"})

Fields = dict[str, str]


def servers_in_file(data: bytes, address: str, *, source: str, url: str) -> Finding:
    """Return the servers that a configuration file names for `address`, in its own order.

    Raises: DiscoveryError for what is no such file, or goes past a bound. A server in it that
    cannot be one is noted and left out.
    """
    servers, notes = [], []
    for place, (service, fields) in enumerate(_read(data)):
        try:
            endpoint = _endpoint(fields, address)
        except UsageError as exc:
            notes.append(f"{url} names a server that cannot be one ({printable(str(exc))})")
            continue
        servers.append(
            Advertised(
                service=service,
                endpoint=endpoint,
                preference=place,
                reasons=(f"{url} names it",),
                username=printable(_filled(fields.get("username", ""), address)),
            )
        )
    return Finding(source=source, servers=tuple(servers), notes=tuple(notes))


def _endpoint(fields: Fields, address: str) -> Endpoint:
    mode = fields.get("socketType", "")
    if mode not in _MODES:
        raise UsageError(f"{mode!r} is no way to connect that we know", field="socketType")
    port = fields.get("port", "")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise UsageError(f"{port!r} is not a port", field="port")
    return Endpoint(_filled(fields.get("hostname", ""), address), int(port), _MODES[mode])


def _filled(pattern: str, address: str) -> str:
    """Return the text with the parts of the address in the places that ask for them."""
    return (
        pattern.replace("%EMAILADDRESS%", address)
        .replace("%EMAILLOCALPART%", address.rpartition("@")[0])
        .replace("%EMAILDOMAIN%", domain_of(address))
    )


def _read(data: bytes) -> list[tuple[Service, Fields]]:
    if len(data) > limits.AUTOCONFIG_BYTES:
        raise _too_much(f"more than {limits.AUTOCONFIG_BYTES} octets")
    reader = _Reader()
    try:
        parser = expat.ParserCreate()
        # Else each line comes by itself, and what was there before is copied each time: a name of
        # 260,000 empty lines took 1.7 s, in which no other session moves.
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.text
        parser.Parse(data, True)
    # The last two come from declared encodings that Python does not have.
    except (expat.ExpatError, ValueError, LookupError) as exc:
        raise _malformed(f"not XML ({printable(str(exc))})") from exc
    if not reader.has_provider:
        raise _malformed("no <clientConfig> with an <emailProvider>")
    return reader.servers


def _refuse_doctype(*_: object) -> None:
    # Without one there are no entities: none that expand a millionfold, none that read files.
    raise _malformed("it has a DOCTYPE")


class _Reader:
    """Takes the servers out of a stream of elements."""

    def __init__(self) -> None:
        self.servers: list[tuple[Service, Fields]] = []
        self.has_provider = False
        self._path: list[str] = []
        self._elements = 0
        self._service: Service | None = None
        self._fields: Fields = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._path.append(name)
        if self._elements > limits.AUTOCONFIG_ELEMENTS:
            raise _too_much(f"more than {limits.AUTOCONFIG_ELEMENTS} elements")
        if len(self._path) > limits.AUTOCONFIG_DEPTH:
            raise _too_much(f"elements more than {limits.AUTOCONFIG_DEPTH} deep")
        path = tuple(self._path)
        self.has_provider |= path == _ROOT
        if path[:-1] == _ROOT:
            self._service = _SERVERS.get((name, attributes.get("type", "")))
            self._fields = {}
        elif self._is_field(path):
            # A field that comes twice is an alternative; the first is the provider's preference.
            self._fields[name] = "" if name not in self._fields else self._fields[name] + "\0"

    def _is_field(self, path: tuple[str, ...]) -> bool:
        return self._service is not None and len(path) == len(_ROOT) + 2 and path[-1] in _FIELDS

    def text(self, data: str) -> None:
        if self._is_field(tuple(self._path)):
            self._fields[self._path[-1]] += data

    def end(self, _name: str) -> None:
        self._path.pop()
        if tuple(self._path) != _ROOT or self._service is None:
            return
        if len(self.servers) >= limits.AUTOCONFIG_SERVERS:
            raise _too_much(f"more than {limits.AUTOCONFIG_SERVERS} servers")
        fields = {name: text.partition("\0")[0].strip() for name, text in self._fields.items()}
        self.servers.append((self._service, fields))
        self._service = None


def _malformed(what: str) -> DiscoveryError:
    return DiscoveryError(f"the configuration file: {what}", reason=DiscoveryReason.MALFORMED)


def _too_much(what: str) -> DiscoveryError:
    return DiscoveryError(f"the configuration file: {what}", reason=DiscoveryReason.LIMIT)
