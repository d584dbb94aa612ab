"""SCRAM, with and without channel binding (RFC 5802, RFC 7677). No I/O here.

The arithmetic and the grammar are scramp's. Names, passwords and the GS2 header are put into it by
us, since scramp 1.5 knows neither `tls-exporter` (RFC 9266) nor authorization identities, and takes
no password with characters newer than Unicode 3.2, such as emoji.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Final

from scramp import ScramClient, ScramException

from securemail import limits
from securemail.credentials import Password
from securemail.errors import LimitExceeded, ProtocolError
from securemail.proof import ChannelBinding
from securemail.sasl.mechanism import Denial, Verdict, surplus
from securemail.sasl.names import authzid, prepared, saslname
from securemail.secret import Secret, SecretBytes
from securemail.wire.text import words

PLUS: Final = "-PLUS"
SCRAM_NAMES: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")
"""Without channel binding, strongest first."""

# RFC 5802 section 7, server-first-message: nonce, salt and iteration count, then extensions that
# may be ignored. A mandatory one ("m=") does not match.
_SERVER_FIRST: Final = re.compile(
    r"r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+),s=(?P<salt>[A-Za-z0-9+/=]+),i=(?P<count>[1-9][0-9]{0,9})"
    r"(?:,[A-Za-z]=[^,\0]+)*"
)

# RFC 5802 section 7, server-error-value. What is not listed says nothing that its "no" does not.
_VERDICTS: Final = {
    "invalid-proof": Verdict.WRONG_SECRET,
    "channel-bindings-dont-match": Verdict.UNTRUSTED,
    "server-does-support-channel-binding": Verdict.UNTRUSTED,
    "channel-binding-not-supported": Verdict.BINDING_UNKNOWN,
    "unsupported-channel-binding-type": Verdict.BINDING_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class GS2Header:
    """What goes before the first message: binding and authorization identity (RFC 5801 section 4).

    `binding` is proved by the exchange. Without one, `could_bind` says that only the server's offer
    kept us from it: a server that did offer it then knows that somebody has cut its offer.
    """

    authorization_identity: str = ""
    binding: ChannelBinding | None = None
    could_bind: bool = False

    def __str__(self) -> str:
        if self.binding is not None:
            flag = f"p={self.binding.name}"
        else:
            flag = "y" if self.could_bind else "n"
        return f"{flag},{authzid(self.authorization_identity)},"

    def make_cbind_input(self, _: object) -> bytes:
        """Return what the proof covers; the name is scramp's."""
        return str(self).encode() + (b"" if self.binding is None else self.binding.data)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A name or password as scramp wants them."""

    text: Secret

    def escape(self) -> str:
        return saslname(self.text.reveal())

    def __bytes__(self) -> bytes:
        return prepared(self.text.reveal()).encode()


class _Step(Enum):
    STARTED = "the first message"
    PROVED = "the proof"
    VERIFIED = "the server's signature"
    DENIED = "the server's refusal"


@dataclass(slots=True)
class Scram:
    """Proves the password without showing it, and has the server prove that it knows it, too.

    `nonce` must be random, printable ASCII without ",", and used once.
    """

    name: str
    credentials: Password
    header: GS2Header
    nonce: str
    digest: Secret | None = field(default=None, init=False)  # what was sent, as with CRAM-MD5
    _client: Any = field(init=False, repr=False)
    _step: _Step = field(default=_Step.STARTED, init=False)
    _denial: Denial | None = field(default=None, init=False)

    shows_secret: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self._client = ScramClient([self.name.removesuffix(PLUS)], "*", "*", c_nonce=self.nonce)
        self._client.username = _Prepared(Secret(self.credentials.username))
        self._client.password = _Prepared(self.credentials.password)
        self._client.gs2_header = self.header

    @property
    def binding(self) -> str | None:
        """The name of the channel binding that is proved."""
        return None if self.header.binding is None else self.header.binding.name

    @property
    def is_costly(self) -> bool:
        """As long as the key is to be derived: 4,096 rounds take 1 to 3 ms, 600,000 about 0.3 s."""
        return self._step is _Step.STARTED

    @property
    def denial(self) -> Denial:
        """Once the server has a proof to compare, its "no" means that the password is wrong.

        Before that it has no SCRAM key for this user, as servers with hashed passwords say it.
        """
        if self._denial is not None:
            return self._denial
        is_early = self._step is _Step.STARTED
        return Denial(Verdict.REFUSED if is_early else Verdict.WRONG_SECRET)

    def start(self) -> SecretBytes:
        """Return client-first-message."""
        return SecretBytes(self._client.get_client_first().encode())

    def respond(self, challenge: bytes) -> SecretBytes:
        """Return the proof for server-first-message, and nothing for a good server-final-message.

        Raises: ProtocolError for everything else: a nonce that does not continue ours, a signature
        that somebody made who does not know the password, a mandatory extension, a message that is
        none. LimitExceeded for too few iterations and too many.
        """
        try:
            text = challenge.decode()
        except UnicodeDecodeError as exc:
            raise ProtocolError("the server sent a SCRAM message that is not UTF-8") from exc
        match self._step:
            case _Step.STARTED | _Step.PROVED if text.startswith("e="):
                return self._note_denial(text)
            case _Step.STARTED:
                return self._prove(text)
            case _Step.PROVED:
                return self._verify(text)
            case _:
                raise ProtocolError(surplus(challenge, self._step.value))

    def _note_denial(self, text: str) -> SecretBytes:
        value = text[2:].partition(",")[0]
        verdict = _VERDICTS.get(value, self.denial.verdict)
        if verdict is Verdict.BINDING_UNKNOWN and self.header.binding is None:
            verdict = self.denial.verdict
        self._denial = Denial(verdict, words(value.encode()))
        self._step = _Step.DENIED
        return SecretBytes(b"")

    def _prove(self, text: str) -> SecretBytes:
        self._check_server_first(text)
        try:
            self._client.set_server_first(text)
            proof: str = self._client.get_client_final()
        except ScramException as exc:
            raise ProtocolError(f"the server's first SCRAM message is wrong: {exc}") from exc
        self._step = _Step.PROVED
        self.digest = Secret(proof.rpartition(",p=")[2])
        return SecretBytes(proof.encode())

    def _check_server_first(self, text: str) -> None:
        if text.startswith("m="):
            raise ProtocolError("the server wants an extension of SCRAM that nobody knows")
        message = _SERVER_FIRST.fullmatch(text)
        if message is None:
            raise ProtocolError("the server's first SCRAM message cannot be read")
        # Otherwise an answer recorded in another login could be played again.
        nonce = message["nonce"]
        if not nonce.startswith(self.nonce) or len(nonce) == len(self.nonce):
            raise ProtocolError("the server's SCRAM nonce does not continue ours")
        _check_iterations(int(message["count"]))

    def _verify(self, text: str) -> SecretBytes:
        try:
            self._client.set_server_final(text)
        except ScramException as exc:
            raise ProtocolError(
                f"the server did not prove that it knows the password: {exc}"
            ) from exc
        self._step = _Step.VERIFIED
        return SecretBytes(b"")

    def check_success(self) -> None:
        """Believe the server only if its signature was seen and is right.

        Raises: ProtocolError.
        """
        if self._step is not _Step.VERIFIED:
            raise ProtocolError(
                "the server claims success and did not prove that it knows the password"
            )


def _check_iterations(count: int) -> None:
    lowest, highest = limits.SCRAM_MIN_ITERATIONS, limits.SCRAM_MAX_ITERATIONS
    if count < lowest:
        raise LimitExceeded(
            f"the server wants {count} SCRAM iterations, less than {lowest}", limit=lowest
        )
    if count > highest:
        raise LimitExceeded(
            f"the server wants {count} SCRAM iterations, more than {highest}", limit=highest
        )
