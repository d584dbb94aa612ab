"""The state diagrams in the documents are those of the tables."""

from __future__ import annotations

import pytest

from securemail.protocol.dialogue import COMMANDS, TRANSITIONS, Kind, State
from securemail.service import Service
from tests import flow
from tests.diagrams import FOLDER, INSIDE, draw, edges


@pytest.mark.parametrize("service", Service)
def test_a_diagram_in_the_documents_is_what_its_tables_say(service: Service) -> None:
    shown = (FOLDER / f"{service.name.lower()}.svg").read_text()
    assert shown == draw(service), "run `python -m tests.diagrams`"


def test_the_diagrams_have_all_that_the_tables_have() -> None:
    drawn = {pair for service in Service for pair in edges(service)}
    said = {(state, target) for (state, _), target in COMMANDS.items()}
    heard = {(s, target) for (s, reply), target in TRANSITIONS.items() if reply is not Kind.BYE}
    assert drawn == said | heard | set(INSIDE)


def test_a_reply_of_goodbye_leads_nowhere_but_to_the_end() -> None:
    ends = {target for (_, reply), target in TRANSITIONS.items() if reply is Kind.BYE}
    assert ends == {State.CLOSED}


def test_the_flow_of_data_in_the_documents_is_the_one_that_is_drawn() -> None:
    assert flow.FILE.read_text() == flow.draw(), "run `python -m tests.flow`"


def test_each_part_in_the_flow_of_data_is_a_module() -> None:
    missing = [
        path for path in flow.sources() if not (path.is_dir() or path.with_suffix(".py").exists())
    ]
    assert missing == []


def test_nothing_leaves_but_through_the_gate() -> None:
    away = {(each.source, each.target) for each in flow.FLOWS if each.away}
    assert {source for source, target in away if target == "TLS engine"} == {"gate"}
    assert {target for source, target in away if source == "dialogue"} == {"gate"}
