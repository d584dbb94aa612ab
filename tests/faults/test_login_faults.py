"""A fault at every octet and record of the server's part, from the dial to the farewell."""

from __future__ import annotations

import pytest

from securemail.testing import Fault
from tests.faults.clock import JumpingLoop, run
from tests.faults.scenes import SCENES, Scene
from tests.faults.sweep import (
    ACTIONS,
    Honest,
    bytes_of,
    complaints,
    honest,
    no_use,
    records_of,
    sweep,
)

# ServerHello, ChangeCipherSpec, EncryptedExtensions, Certificate, CertificateVerify, Finished.
_HANDSHAKE_RECORDS = 6
# Every so many-th fault in the quick run, beginning elsewhere for each scene.
_STRIDE = 101


def _faults(scene: Scene, dialogue: Honest) -> list[Fault]:
    # With CertificateRequest where there is a certificate to ask for.
    handshake_end = dialogue.tls + _HANDSHAKE_RECORDS + (scene.login == "EXTERNAL")
    # As far as that, the dialogue is the same for all who have a password or a token.
    octets = bytes_of(dialogue, handshake_end) if scene.login in ("PLAIN", "EXTERNAL") else ()
    places = (*octets, *records_of(dialogue, handshake_end))
    return [Fault(action, place) for place in places for action in ACTIONS]


async def _sweep(scene: Scene, *, stride: int, offset: int) -> tuple[int, list[str]]:
    """Return how many faults there were, and what was wrong."""
    async with scene.server() as server:
        dialogue = await honest(server, scene, no_use)
        faults = _faults(scene, dialogue)[offset::stride]
        endings = await sweep(server, scene, faults, no_use)
    return len(endings), [words for each in endings for words in complaints(each, scene, dialogue)]


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_fault_anywhere_is_an_error_of_ours_and_leaves_nothing(scene: Scene) -> None:
    work = _sweep(scene, stride=_STRIDE, offset=SCENES.index(scene))
    count, wrong = run(work, loop=JumpingLoop)
    assert wrong == []
    assert count > 0


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_fault_at_every_octet_is_an_error_of_ours_and_leaves_nothing(scene: Scene) -> None:
    count, wrong = run(_sweep(scene, stride=1, offset=0), loop=JumpingLoop)
    print(f"{count} faults")  # noqa: T201 - `pytest -rP` shows it
    assert wrong == []
