"""The dialogue from greeting to login, the same for every protocol (RFC 9051, 1939, 5321).

The machine takes bytes and gives events; it makes bytes only for commands that the gate lets pass.
How a protocol writes a command and reads a reply is its `Dialect`. No I/O here.
"""

from __future__ import annotations

from collections.abc import Callable

from securemail import limits
from securemail.errors import (
    ConnectError,
    InjectionError,
    LimitExceeded,
    PolicyError,
    ProtocolError,
    SecureMailError,
    UsageError,
)
from securemail.intent import Intent
from securemail.protocol.dialogue import (
    COMMANDS,
    TRANSITIONS,
    Authenticate,
    Challenge,
    Command,
    ConfirmAndAuthenticate,
    Dialect,
    Discovered,
    Event,
    Goodbye,
    Greeted,
    Kind,
    LoggedIn,
    Proceed,
    Refused,
    Reply,
    State,
    UpgradeAgreed,
    UTF8Enabled,
)
from securemail.wire.buffer import LineBuffer


class Machine:
    """One connection's dialogue up to login.

    Call `send()` for each command and write what it returns; give what comes from the server to
    `receive_data()` and call `next_event()` until it returns None. After `UpgradeAgreed`, hand
    every further byte to TLS and call `tls_established()` once it is up.
    """

    __slots__ = (
        "_buffer",
        "_dialect",
        "_gate",
        "_is_sasl",
        "_is_secured",
        "_lines",
        "_rounds",
        "assumed",
        "capabilities",
        "is_heard",
        "is_utf8",
        "state",
        "timestamp",
    )

    def __init__(
        self, dialect: Dialect, gate: Callable[[Intent], None], *, is_secured: bool = False
    ) -> None:
        self.state = State.GREETING
        self.capabilities: frozenset[str] | None = None
        self.assumed: frozenset[str] | None = None
        self._dialect = dialect
        self._gate = gate
        self._buffer = LineBuffer()
        self._is_secured = is_secured
        self.is_heard = False  # the server has said something inside TLS
        self.is_utf8 = False
        self.timestamp = b""  # POP3's, where the greeting came inside TLS
        self._lines = 0
        self._rounds = 0
        self._is_sasl = False

    def send(self, command: Command) -> bytes:
        """Return the bytes of `command`.

        Raises: PolicyError when the gate does not let it pass; UsageError when it is not the
        command's turn; ProtocolError when the server spoke out of turn before it.
        """
        self._gate(command.intent)
        target = COMMANDS.get((self.state, type(command)))
        if target is None:
            raise UsageError(f"cannot be sent while {self.state.value}", field=_name(command))
        if self.is_utf8 and target is State.UPGRADING:
            raise UsageError("not after UTF8 (RFC 6856 section 2.1)", field=_name(command))
        if self.state is State.CHALLENGED and isinstance(command, Proceed) is self._is_sasl:
            raise UsageError("goes on with another kind of login", field=_name(command))
        self._refuse_premature_reply()
        if self.state is State.READY:
            self._lines = self._rounds = 0
            self._is_sasl = isinstance(command, Authenticate | ConfirmAndAuthenticate)
        data = self._dialect.encode(command, is_open=self._is_open)
        self.state = target
        return data

    @property
    def _is_open(self) -> bool:
        """Whether a private word may be said: to a server that is all the account asks for."""
        try:
            self._gate(Intent.USE)
        except PolicyError:
            return False
        return self._is_secured

    def _refuse_premature_reply(self) -> None:
        event = self.next_event()
        if isinstance(event, Goodbye):
            raise ConnectError(f"the server said goodbye: {event.words}", phase="command")

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the server.

        Raises: LimitExceeded when there are too many before login.
        """
        if self.state is State.HANDSHAKING:
            raise self._injected(len(data))
        try:
            self._buffer.feed(data)
        except ProtocolError:
            self.state = State.CLOSED
            raise

    def next_event(self) -> Event | None:
        """Return what the server has said, or None when more bytes are needed.

        Raises: ProtocolError, InjectionError or LimitExceeded; the machine is closed then.
        """
        try:
            return self._next_event()
        except SecureMailError:
            self.state = State.CLOSED
            raise

    def tls_established(self) -> None:
        """Begin anew inside TLS: what was learnt before it is forgotten (RFC 9051 section 11.1)."""
        if self.state is State.HANDSHAKING:
            self.state = State.READY
        self._is_secured = True
        self.capabilities = None
        self._dialect.forget()

    def assume(self, capabilities: frozenset[str]) -> None:
        """Take the server to be able to do this, until it says what it can.

        Raises: UsageError outside TLS: there it would be hearsay that outlives the connection.
        """
        if not self._is_secured:
            raise UsageError("nothing is assumed in cleartext", field="assume")
        self.assumed = capabilities

    @property
    def may_confirm(self) -> bool:
        """Whether `ConfirmAndAuthenticate` may be sent, going by what is assumed."""
        return self.assumed is not None and self._dialect.may_confirm(self.assumed)

    @property
    def _offered(self) -> frozenset[str]:
        known = self.assumed if self.capabilities is None else self.capabilities
        return known or frozenset()

    @property
    def takes_initial_response(self) -> bool:
        """Whether `Authenticate` may carry the initial response, or must wait for a challenge."""
        return self._dialect.takes_initial_response(self._offered)

    def carries_initial_response(self, mechanism: str, size: int) -> bool:
        """Return whether `Authenticate` may carry an initial response of `size` octets."""
        return self.takes_initial_response and self._dialect.carries_initial_response(
            mechanism, size
        )

    @property
    def mechanisms(self) -> frozenset[str]:
        """The SASL mechanisms that the server offers."""
        return self._dialect.mechanisms(self._offered)

    @property
    def has_login_command(self) -> bool:
        """Whether the protocol's own login command may be used."""
        return self._dialect.has_login_command(self._offered)

    @property
    def login_takes_utf8(self) -> bool:
        """Whether that command may hold a name or a password that is not ASCII."""
        return self._dialect.login_takes_utf8(self._offered)

    @property
    def offers_utf8(self) -> bool:
        """Whether `EnableUTF8` may be sent."""
        return self._dialect.offers_utf8(self._offered)

    def trailing_data(self) -> bytes:
        """Return what came behind the reply that logged us in; it belongs to the client."""
        if self.state is not State.AUTHENTICATED:
            raise UsageError("there is none before login", field="trailing_data")
        return self._buffer.drain()

    def _next_event(self) -> Event | None:
        if self.state in (State.AUTHENTICATED, State.CLOSED, State.HANDSHAKING):
            return None
        while (line := self._buffer.next_line()) is not None:
            self._count_line()
            reply = self._dialect.read(line, is_secured=self._is_secured)
            if reply is not None:
                return self._apply(reply)
        return None

    def _count_line(self) -> None:
        self._lines += 1
        if self._lines > limits.LOGIN_UNTAGGED_LINES:
            raise LimitExceeded(
                f"the server sent more than {limits.LOGIN_UNTAGGED_LINES} lines while "
                f"{self.state.value}",
                limit=limits.LOGIN_UNTAGGED_LINES,
            )

    def _apply(self, reply: Reply) -> Event:
        target = TRANSITIONS.get((self.state, reply.kind))
        if target is None:
            raise ProtocolError(
                f"the server said {reply.kind.value!r} while {self.state.value}: {reply.words!r}"
            )
        before, self.state = self.state, target
        self.is_heard = self._is_secured
        if reply.capabilities is not None:
            self.capabilities = reply.capabilities
        if before is State.GREETING and self._is_secured:
            self.timestamp = reply.challenge
        match target:
            case State.CLOSED:
                return Goodbye(reply.words)
            case State.HANDSHAKING:
                return self._agree_to_upgrade()
            case State.CHALLENGED:
                return self._challenge(reply.challenge)
            case State.AUTHENTICATED:
                return self._log_in(before, reply)
            case _ if reply.kind is Kind.NO:
                return Refused(reply.words)
            case _ if before is State.ENABLING:
                self.is_utf8 = True
                return UTF8Enabled()
            case _:
                return Greeted() if before is State.GREETING else self._discover()

    def _discover(self) -> Event:
        if self.capabilities is None:
            raise ProtocolError("the server answered without listing its capabilities")
        return Discovered()

    def _agree_to_upgrade(self) -> Event:
        # CVE-2011-0411 and its kin: what came in clear behind the reply would be read as if it had
        # come inside TLS. Discarding it would hide the attack.
        if len(self._buffer):
            raise self._injected(len(self._buffer))
        return UpgradeAgreed()

    def _injected(self, size: int) -> InjectionError:
        self.state = State.CLOSED
        return InjectionError(f"{size} bytes of cleartext followed the STARTTLS reply", size=size)

    def _challenge(self, data: bytes) -> Event:
        self._rounds += 1
        if self._rounds > limits.SASL_ROUNDS:
            raise LimitExceeded(
                f"the server sent more than {limits.SASL_ROUNDS} challenges",
                limit=limits.SASL_ROUNDS,
            )
        return Challenge(data)

    def _log_in(self, before: State, reply: Reply) -> Event:
        if before is State.GREETING:
            # RFC 9051 section 11.1: PREAUTH leaves no way to ask for TLS. "NO STARTTLS" shows it
            # used to make clients work in the clear.
            if not self._is_secured:
                raise ProtocolError("the server skipped login (PREAUTH) before TLS")
            self._gate(Intent.USE)
        if reply.capabilities is None:
            self.capabilities = None  # RFC 9051 section 6.2.2: they may have changed with login
        return LoggedIn()


def _name(command: Command) -> str:
    return type(command).__name__
