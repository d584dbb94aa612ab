"""What faults make of the octets of one side."""

from __future__ import annotations

import pytest

from securemail.testing import AtByte, AtStep, Corrupt, Cut, Fault, Side, Stall
from securemail.testing.faults import Flow
from securemail.testing.framing import StepFinder

RECORDS = b"\x16\x03\x01\x00\x03abc" + b"\x17\x03\x03\x00\x00" + b"\x17\x03\x03\x00\x02\n\x16"
SAID = b"* OK hi\r\nA1 OK begin\r\n" + RECORDS


def in_parts(data: bytes, size: int) -> list[bytes]:
    return [data[index : index + size] for index in range(0, len(data), size)]


def passed(orders: list[bytes | Fault]) -> bytes:
    return b"".join(order for order in orders if isinstance(order, bytes))


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
def test_steps_are_lines_and_then_records_however_they_come(size: int) -> None:
    finder = StepFinder()
    for part in in_parts(SAID, size):
        finder.feed(part)
    assert finder.starts == [0, 9, 22, 30, 35]
    assert finder.tls_at == 22
    assert finder.offset == len(SAID)


def test_a_control_octet_inside_a_line_does_not_begin_tls() -> None:
    finder = StepFinder()
    finder.feed(b"a\x16\r\nb\r\n")
    assert (finder.starts, finder.tls_at) == ([0, 4], None)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
@pytest.mark.parametrize(
    ("place", "offset"),
    [(AtByte(0), 0), (AtByte(12), 12), (AtStep(1), 9), (AtStep(2, 3), 25), (AtStep(4), 35)],
)
def test_a_fault_strikes_just_before_its_octet(
    place: AtByte | AtStep, offset: int, size: int
) -> None:
    fault = Fault(Cut(), place)
    flow = Flow([fault])
    orders = [order for part in in_parts(SAID, size) for order in flow.feed(part)]
    at = orders.index(fault)
    assert b"".join(order for order in orders[:at] if isinstance(order, bytes)) == SAID[:offset]
    assert (
        b"".join(order for order in orders[at + 1 :] if isinstance(order, bytes)) == SAID[offset:]
    )
    assert flow.struck == [fault]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_corrupt_octet_is_flipped_and_all_others_pass(size: int) -> None:
    flow = Flow([Fault(Corrupt(0x01), AtByte(5))])
    orders = [order for part in in_parts(SAID, size) for order in flow.feed(part)]
    assert passed(orders) == SAID[:5] + bytes([SAID[5] ^ 0x01]) + SAID[6:]


def test_faults_strike_in_the_order_of_their_places() -> None:
    late, early = Fault(Stall(), AtByte(9)), Fault(Corrupt(), AtByte(3))
    flow = Flow([late, early])
    flow.feed(SAID)
    assert flow.struck == [early, late]


def test_a_fault_beyond_the_end_does_not_strike() -> None:
    flow = Flow([Fault(Cut(), AtByte(len(SAID))), Fault(Cut(), AtStep(5))])
    assert flow.feed(SAID) == [SAID]
    assert flow.struck == []


def test_a_fault_is_about_what_the_server_says_unless_told_otherwise() -> None:
    assert Fault(Cut(), AtByte(0)).side is Side.SERVER
