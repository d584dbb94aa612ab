"""A fault at every record while commands are on their way."""

from __future__ import annotations

import pytest

from securemail.testing import Fault
from tests.faults.clock import JumpingLoop, run
from tests.faults.scenes import SCENES, Scene
from tests.faults.sweep import ACTIONS, complaints, honest, records_of, sweep
from tests.faults.uses import fill, use

# The mode and the login leave no trace behind them: one of each is enough.
_SCENES = [scene for scene in SCENES if scene.login == "PLAIN"]
_STRIDE = 19


async def _sweep(scene: Scene, *, stride: int) -> tuple[int, list[str]]:
    async with scene.server() as server:
        fill(server)
        dialogue = await honest(server, scene, use)
        places = [at for at in records_of(dialogue, dialogue.ready) if at.number < dialogue.used]
        faults = [Fault(action, place) for place in places for action in ACTIONS][::stride]
        endings = await sweep(server, scene, faults, use)
    return len(endings), [words for each in endings for words in complaints(each, scene, dialogue)]


@pytest.mark.parametrize("scene", _SCENES, ids=str)
def test_every_pending_command_ends_with_an_error_of_ours(scene: Scene) -> None:
    count, wrong = run(_sweep(scene, stride=_STRIDE), loop=JumpingLoop)
    assert wrong == []
    assert count > 0


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene", _SCENES, ids=str)
def test_every_pending_command_ends_with_an_error_of_ours_at_every_record(scene: Scene) -> None:
    count, wrong = run(_sweep(scene, stride=1), loop=JumpingLoop)
    print(f"{count} faults")  # noqa: T201 - `pytest -rP` shows it
    assert wrong == []
