"""What a login makes of servers that lie, and of those that have their limits."""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import replace

import pytest

from securemail import (
    AuthenticationError,
    ConnectError,
    LimitExceeded,
    Password,
    Policy,
    ProtocolError,
)
from securemail.protocol.dialogue import Challenge, Event, LoggedIn, Refused
from securemail.secret import REDACTED
from tests.aio.impostor import (
    BINDING,
    MINE,
    Impostor,
    Play,
    refusing,
    saying,
    scram,
    welcoming,
)

SHA256, PLUS = "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"
FORGED = b"v=" + base64.b64encode(b"f" * 32)


async def refused_by(server: Impostor) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        await server.log_in()
    return caught.value


async def test_an_honest_server_is_believed() -> None:
    server = Impostor({SHA256: scram(SHA256), "PLAIN": welcoming})
    record = await server.log_in()
    assert (record.mechanism, record.channel_binding) == (SHA256, None)
    assert server.asked == [SHA256]


async def test_a_binding_by_tls_exporter_is_proved_and_recorded() -> None:
    server = Impostor({PLUS: scram(PLUS, bound=BINDING.data), SHA256: scram(SHA256)})
    record = await server.log_in()
    assert (record.mechanism, record.channel_binding) == (PLUS, "tls-exporter")


WEAK: dict[str, Play] = {
    "a signature that is forged": scram(SHA256, final=FORGED),
    "a signature that is not base64": scram(SHA256, final=b"v=!"),
    "no signature but yes": scram(SHA256, final=b""),
    "nothing but yes": welcoming,
    "a signature that ends in no": scram(SHA256, final=FORGED, end=Refused("no")),
    "an error and then yes": scram(SHA256, final=b"e=other-error"),
    "few iterations": scram(SHA256, iterations=4095),
    "one iteration": scram(SHA256, iterations=1),
    "another nonce": saying(b"r=x,s=c2FsdGVkIHNhbHQh,i=4096", then=LoggedIn()),
    "our nonce alone": scram(SHA256, nonce=""),
    "a mandatory extension": saying(b"m=x,r=x,s=c2FsdGVkIHNhbHQh,i=4096", then=LoggedIn()),
    "nonsense": saying(b"\xff\0", then=LoggedIn()),
    "the wrong salt and then a forged signature": scram(SHA256, password="x", final=FORGED),
    "an offer of a binding behind our back": saying(
        b"e=server-does-support-channel-binding", then=Refused("no")
    ),
}


@pytest.mark.parametrize("play", WEAK.values(), ids=WEAK)
async def test_a_server_that_did_not_prove_itself_gets_no_other_try(play: Play) -> None:
    server = Impostor({SHA256: play, "SCRAM-SHA-1": scram("SCRAM-SHA-1"), "PLAIN": welcoming})
    error = await refused_by(server)
    assert server.asked == [SHA256]
    assert not server.has_the_password
    assert error.attempts[-1].mechanism == SHA256


async def test_too_many_iterations_are_refused_before_they_are_run() -> None:
    message = b"r=%s,s=c2FsdGVkIHNhbHQh,i=9999999999"

    def play(initial: bytes):  # type: ignore[no-untyped-def]  # the type is long and said by what follows
        nonce = initial.rpartition(b"r=")[2] + b"theirs"
        yield Challenge(message % nonce)

    server = Impostor({SHA256: play, "PLAIN": welcoming})
    error = await refused_by(server)
    assert isinstance(error.__cause__, LimitExceeded)
    assert "9999999999 SCRAM iterations" in str(error)
    assert server.is_cancelled
    assert server.asked == [SHA256]


@pytest.mark.parametrize("end", [LoggedIn(), Challenge(b"more"), ConnectError("gone", phase="x")])
async def test_whatever_a_server_makes_of_the_end_the_first_fault_is_told(
    end: LoggedIn | Challenge | ConnectError,
) -> None:
    server = Impostor({SHA256: scram(SHA256, final=FORGED)})
    server.at_cancel = end
    error = await refused_by(server)
    assert server.is_cancelled
    assert "did not prove that it knows the password" in str(error)
    assert isinstance(error.__cause__, ProtocolError)


MIDDLE: dict[str, Play] = {
    "no": refusing(),
    "no after the proof": scram(PLUS, final=b"", end=Refused("no"), bound=BINDING.data),
    "an error that is none": saying(b"e=whatever", then=Refused("no")),
    "other bindings": scram(PLUS, final=b"e=channel-bindings-dont-match", end=Refused("no")),
    "a forged signature": scram(PLUS, final=FORGED),
}


@pytest.mark.parametrize("play", MIDDLE.values(), ids=MIDDLE)
async def test_a_refused_binding_is_not_followed_by_the_same_password_without_one(
    play: Play,
) -> None:
    server = Impostor({PLUS: play, SHA256: scram(SHA256), "PLAIN": welcoming})
    await refused_by(server)
    assert server.asked == [PLUS]
    assert not server.has_the_password


@pytest.mark.parametrize(
    "error", [b"e=channel-binding-not-supported", b"e=unsupported-channel-binding-type"]
)
async def test_a_server_that_has_no_such_binding_gets_a_login_without(error: bytes) -> None:
    server = Impostor({PLUS: saying(error, then=Refused("no")), SHA256: scram(SHA256)})
    record = await server.log_in()
    assert (record.mechanism, record.channel_binding) == (SHA256, None)
    assert b"\0" not in server.heard
    assert b"n,,n=alice" in server.heard
    assert record.attempts[-1].mechanism == PLUS


async def test_a_policy_that_requires_a_binding_has_no_fallback() -> None:
    error = b"e=channel-binding-not-supported"
    server = Impostor({PLUS: saying(error, then=Refused("no")), SHA256: scram(SHA256)})
    with pytest.raises(AuthenticationError):
        await server.log_in(replace(MINE, policy=Policy(require_channel_binding=True)))
    assert server.asked == [PLUS]


async def test_a_server_without_a_key_for_scram_gets_plain_if_it_was_authenticated() -> None:
    plays: dict[str, Play] = {SHA256: refusing("no such scheme"), "PLAIN": welcoming}
    record = await Impostor(plays).log_in()
    assert record.mechanism == "PLAIN"
    stranger = Impostor(plays, is_authenticated=False)
    error = await refused_by(stranger)
    assert "right server" in error.attempts[-1].answer
    assert not stranger.has_the_password


async def test_a_proof_that_was_refused_is_not_followed_by_the_password() -> None:
    server = Impostor({SHA256: scram(SHA256, final=b"", end=Refused("no")), "PLAIN": welcoming})
    error = await refused_by(server)
    assert server.asked == [SHA256]
    assert "has compared the password" in error.attempts[-1].answer


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
async def test_a_server_that_asks_on_is_left_with_a_star(mechanism: str) -> None:
    server = Impostor({mechanism: saying(*[b"more"] * 9, then=LoggedIn())})
    named = Password("alice", "correct horse", mechanisms=[mechanism])
    with pytest.raises(AuthenticationError, match=f"after {mechanism}") as caught:
        await server.log_in(replace(MINE, credentials=named))
    assert server.is_cancelled
    assert caught.value.attempts[-1].mechanism == mechanism


async def test_a_list_that_lies_ends_with_what_was_tried() -> None:
    names = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
    server = Impostor({name: refusing("unknown mechanism") for name in names})
    error = await refused_by(server)
    assert server.asked == names
    assert [attempt.mechanism for attempt in error.attempts] == names


async def test_a_proof_that_the_server_repeats_does_not_show() -> None:
    """Whoever reads it in a log can guess at leisure."""
    proofs: list[str] = []

    def play(initial: bytes) -> Generator[Event, bytes, None]:
        response = yield next(scram(SHA256)(initial))
        proofs.append(response.decode().rpartition(",p=")[2])
        yield Refused(f"{response.decode()} is wrong")

    error = await refused_by(Impostor({SHA256: play}))
    assert len(proofs[0]) == 44
    assert proofs[0] not in repr(error.attempts)
    assert f"p={REDACTED} is wrong" in error.attempts[-1].answer


async def test_password_and_proof_are_known_again_behind_the_login() -> None:
    proofs: list[str] = []

    def play(initial: bytes) -> Generator[Event, bytes, None]:
        honest = scram(SHA256)(initial)
        response = yield next(honest)
        proofs.append(response.decode().rpartition(",p=")[2])
        yield honest.send(response)
        yield LoggedIn()

    record = await Impostor({SHA256: play}).log_in()
    assert record.redactor(f"NO {proofs[0]} is wrong") == f"NO {REDACTED} is wrong"
    assert record.redactor("NO correct horse") == f"NO {REDACTED}"
