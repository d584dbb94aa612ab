"""The state diagrams in the documents are those of the tables."""

from __future__ import annotations

import pytest

from securemail.protocol.dialogue import COMMANDS, TRANSITIONS, Kind, State
from securemail.service import Service
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
