"""What reads a stranger's bytes, as functions of bytes: each ends, or raises one of our errors.

`test_targets.py` runs them over the corpus and over what Hypothesis thinks of, `run.py` under
atheris (`make fuzz`). Another exception than a SecureMailError is a find.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from typing import Final

import dns.message
import dns.name
from cryptography import x509
from dns.rdatatype import SRV, TLSA, A, RdataType

from securemail import Account, Password, Pin, Service, TLSARecord, TrustStore
from securemail.aio.resolver_ask import MalformedMessage, parsed
from securemail.discovery.autoconfig import servers_in_file
from securemail.discovery.dnssec import look_up
from securemail.discovery.dnssec_anchor import Anchors
from securemail.errors import SecureMailError
from securemail.policy.gate import Gate
from securemail.protocol.dialects import new_dialect
from securemail.protocol.dialogue import State
from securemail.protocol.machine import Machine
from securemail.revocation import CertStatus
from securemail.sasl.cram import CramMD5
from securemail.sasl.mechanism import Mechanism
from securemail.sasl.oauth import OAuthBearer, XOAuth2
from securemail.sasl.scram import GS2Header, Scram
from securemail.secret import Secret
from securemail.store import exchange
from securemail.tls.dane import matches
from securemail.tls.facts import CertificateFacts
from securemail.tls.identity import match_identity, names_of, reference_identities
from securemail.tls.staple import read_staple
from securemail.wire import multiline, smtp
from securemail.wire.fetch import responses
from securemail.wire.mailbox import parse_items
from securemail.wire.pop3 import parse_numbers, parse_unique_id
from securemail.wire.responses import ResponseReader
from securemail.wire.status import take_statuses
from tests.discovery.worlds import NOW, world
from tests.protocol.model import COMMANDS, HARMLESS
from tests.tls.chains import LEAF, ROOT, make
from tests.values import GOOD_PROOF

_PASSWORD: Final = Password("alice", "pencil")
_QUESTIONS: Final = 50


def _pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut `data` into steps: one byte says which call or how long, the piece follows."""
    at = 0
    while at < len(data):
        size = data[at]
        yield size, data[at + 1 : at + 1 + size]
        at += 1 + size


def _dialogue(service: Service, data: bytes) -> None:
    """Play words and calls: below the minimum first, then behind a good proof."""
    gate = Gate(Account("alice@example.org").policy)
    machine = Machine(new_dialect(service, "A", ehlo_name="client.example.org"), gate)
    for size, piece in _pieces(data):
        try:
            if size < len(COMMANDS):
                sent = machine.send(COMMANDS[size])
                assert gate.proof is not None or HARMLESS[service].fullmatch(sent), sent
            elif size == 255 and machine.state is State.HANDSHAKING:
                gate.proof = GOOD_PROOF
                machine.tls_established()
            else:
                machine.receive_data(piece)
                while machine.next_event() is not None:
                    pass
        except SecureMailError:
            if machine.state is State.CLOSED:
                return


def imap_login(data: bytes) -> None:
    """Play a server against the IMAP dialogue up to login."""
    _dialogue(Service.IMAP, data)


def pop3_login(data: bytes) -> None:
    """Play a server against the POP3 dialogue up to login."""
    _dialogue(Service.POP3, data)


def submission_login(data: bytes) -> None:
    """Play a server against the submission dialogue up to login."""
    _dialogue(Service.SUBMISSION, data)


def imap_responses(data: bytes) -> None:
    """Read an IMAP answer, literals included, as it comes after the login."""
    reader = ResponseReader()
    for _, piece in _pieces(data):
        list(reader.feed(piece))


def mailbox_lines(data: bytes) -> None:
    """Read what is said of mailboxes after the login; every second line is a literal."""
    lines = data.split(b"\n")
    _quietly(lambda: list(parse_items(lines)))
    mixed = [bytearray(line) if n % 2 else line for n, line in enumerate(lines)]
    for uid, text, size in responses(mixed):
        assert uid >= 0 <= size
        assert text is None or isinstance(text, bytes)
    take_statuses(mixed)


def pop3_answers(data: bytes) -> None:
    """Read POP3 answers, of one line and of many."""
    for is_multiline in (False, True):
        reader = multiline.AnswerReader(is_multiline=is_multiline)
        for _, piece in _pieces(data):
            if reader.feed(piece)[1] is not None:
                break
    for read in (lambda: parse_numbers(data, 2), lambda: parse_unique_id(data)):
        _quietly(read)


def smtp_answers(data: bytes) -> None:
    """Read SMTP replies."""
    reader = smtp.AnswerReader()
    for _, piece in _pieces(data):
        for answer in reader.feed(piece):
            str(answer), answer.enhanced


def autoconfig(data: bytes) -> None:
    """Read a provider's configuration file."""
    url = "https://autoconfig.example.org/mail/config-v1.1.xml"
    servers_in_file(data, "alice@example.org", source="fuzz", url=url)


def dns_answer(data: bytes) -> None:
    """Validate one message as the answer to every question of a look-up."""
    try:
        message = parsed(data)
    except MalformedMessage:
        return  # the resolver makes a DiscoveryError of it
    for rdtype in (A, SRV, TLSA):
        _quietly(partial(_look_up, rdtype, message))


@cache
def _anchors() -> Anchors:
    return Anchors.from_text(world().anchor)


def _look_up(rdtype: RdataType, message: dns.message.Message) -> None:
    name = dns.name.from_text("alias.nsec.test.")
    steps = look_up(name, rdtype, anchors=_anchors(), now=NOW)
    next(steps)
    for _ in range(_QUESTIONS):
        try:
            steps.send(message)
        except StopIteration:
            return
    raise AssertionError("the look-up asks for ever")


def certificate(data: bytes) -> None:
    """Judge a certificate that a server shows: its names, its key, its facts."""
    try:
        shown = x509.load_der_x509_certificate(data)
    except (ValueError, x509.InvalidVersion):
        return  # the engine reads it inside the handshake, and refuses what it cannot read
    wanted = reference_identities(
        ("mail.example.org",), is_address=False, srv_id="_imaps.example.org"
    )
    with suppress(ValueError):  # as it says: the handshake refuses the certificate then
        match_identity(shown, wanted)
    assert names_of(shown)
    str(CertificateFacts.of(shown))
    record = TLSARecord(3, 1, 1, bytes(32))
    list(matches((record,), [shown]))


def accounts(data: bytes) -> None:
    """Read accounts as JSON and as TOML; what was read can be written."""
    for form in exchange.Format:
        _quietly(partial(_read_and_write, data.decode("latin-1"), form))


def _read_and_write(text: str, form: exchange.Format) -> None:
    exchange.write(exchange.read(text, form, with_pins=True, with_trust=True), form)


def authorities(data: bytes) -> None:
    """Take a file of authorities, whatever a program was given for one."""
    TrustStore.from_pem(data)


def staple(data: bytes) -> None:
    """Read what a server has stapled to its certificate; nobody has signed these for ours."""
    own, issuer = _stapled_to()
    status = read_staple(data, own, issuer, own.not_valid_before_utc)
    assert status.cert_status in (CertStatus.UNUSABLE, CertStatus.NOT_STAPLED)
    assert str(status).isprintable()


@cache
def _stapled_to() -> tuple[x509.Certificate, x509.Certificate]:
    own, issuer = make(LEAF, ROOT).certificates
    return own, issuer


def scram(data: bytes) -> None:
    """Play a server against SCRAM, first and final message."""
    mechanism = Scram("SCRAM-SHA-256", _PASSWORD, GS2Header(), "nonce")
    _exchange(mechanism, data)


def oauth(data: bytes) -> None:
    """Play a server that refuses a token."""
    _exchange(OAuthBearer("alice", Secret("token"), "mail.example.org", 993), data)
    _exchange(XOAuth2("alice", Secret("token")), data)


def cram(data: bytes) -> None:
    """Play a server against CRAM-MD5."""
    _exchange(CramMD5("alice", Secret("pencil")), data)


def _exchange(mechanism: Mechanism, data: bytes) -> None:
    def play() -> None:
        mechanism.start()
        for _, piece in _pieces(data):
            mechanism.respond(piece)
        mechanism.check_success()

    _quietly(play)
    assert mechanism.denial is not None


def pin(data: bytes) -> None:
    """Read a pin from where a program kept it."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return  # the program's to read
    if isinstance(value, dict):
        Pin.from_dict(value)


def _quietly(act: Callable[[], object]) -> None:
    """Call `act`, of which one of our errors may come, and go on."""
    with suppress(SecureMailError):
        act()


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (
        accounts,
        authorities,
        autoconfig,
        certificate,
        cram,
        dns_answer,
        imap_login,
        imap_responses,
        mailbox_lines,
        oauth,
        pin,
        pop3_answers,
        pop3_login,
        scram,
        smtp_answers,
        staple,
        submission_login,
    )
}


def attack(name: str, data: bytes) -> None:
    """Give `data` to a target; one of our errors is as good as an answer."""
    _quietly(lambda: TARGETS[name](data))
