"""Measure this library beside others.

    python -m benchmarks [--full] [--only NAME] [--delayed-link] [--results FILE] [--page FILE ...]

`make bench` installs the peers first; what the numbers mean is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import harness, report, tunnel
from benchmarks.scenarios import asking, bulk, connects, curves, memory, reader, round_trips
from benchmarks.versions import versions
from benchmarks.world import world

SCENARIOS = {
    module.NAME: module for module in (round_trips, connects, memory, reader, bulk, asking, curves)
}


def main() -> None:
    options = _options()
    if options.page:
        _write_page([json.loads(path.read_text()) for path in options.page])
        return
    for peer in harness.PEERS.values():
        if (reason := harness.missing(peer)) is not None:
            print(reason)
    far = _far() if options.delayed_link else ""
    rows = list(_measured(options.only or list(SCENARIOS), far, is_full=options.full))
    found = {
        "is_full": options.full,
        "versions": versions(),
        "rows": [each.to_json() for each in rows],
    }
    name = "results-full.json" if options.full else "results.json"
    results = options.results or harness.HERE / "results" / name
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(found, indent=1) + "\n")
    if not options.only:
        _write_page([found])
    for each in rows:
        spread = f"{each.value:.2f} ({each.low:.2f}-{each.high:.2f})"
        print(f"{each.case:34} {each.peer:20} {spread:>26} {each.unit:18} {each.verdict}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more rounds, and larger numbers")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="one scenario")
    parser.add_argument(
        "--delayed-link",
        action="store_true",
        help="round trips also on a line that delays packets, as root in a network of its own",
    )
    parser.add_argument("--results", type=Path, help="where the numbers go, as JSON")
    parser.add_argument(
        "--page",
        type=Path,
        nargs="+",
        metavar="RESULTS",
        help="measure nothing, and write the page from the results of earlier runs",
    )
    return parser.parse_args()


def _far() -> str:
    if (reason := tunnel.enter(round_trips.DELAY_S)) is not None:
        print(f"the line of packets is left out: {reason}")
        return ""
    return tunnel.FAR


def _measured(names: list[str], far: str, *, is_full: bool) -> Iterator[harness.Row]:
    with world(far) as servers:
        for name in names:
            began_s = time.monotonic()
            try:
                yield from SCENARIOS[name].run(servers, is_full=is_full)
            except Exception:  # noqa: BLE001 - the other scenarios are worth having
                print(f"{name} is left out from here on:\n{traceback.format_exc()}")
            print(f"{name}: {time.monotonic() - began_s:.0f} s", flush=True)


def _write_page(runs: list[dict[str, Any]]) -> None:
    rows = [harness.Row.from_json(each) for run in runs for each in run["rows"]]
    report.write(rows, runs[-1]["versions"], is_full=runs[-1]["is_full"])


if __name__ == "__main__":
    main()
