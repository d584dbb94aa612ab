"""Any bytes, in any chunks: a result or one of our errors, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, attack

CORPUS = Path(__file__).parent / "corpus"
SEEDS = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.parent.name}/{seed.name}")
def test_what_the_corpus_holds_ends_in_a_result_or_in_one_of_our_errors(seed: Path) -> None:
    attack(seed.parent.name, seed.read_bytes())


def test_each_target_has_a_corpus_and_each_corpus_its_target() -> None:
    assert {seed.parent.name for seed in SEEDS} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=600))
@settings(max_examples=60, deadline=None)
def test_any_bytes_end_in_a_result_or_in_one_of_our_errors(name: str, data: bytes) -> None:
    attack(name, data)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_good_example_with_a_few_bytes_changed_ends_so_too(
    name: str, data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from([each for each in SEEDS if each.parent.name == name]))
    mutant = bytearray(seed.read_bytes())
    if not mutant:
        return
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutant) - 1))
        mutant[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(mutant)))
    attack(name, bytes(mutant[: cut or None]))
