"""Measure this library beside others.

    python -m benchmarks [--full] [--only NAME] [--results FILE]

`make bench` installs the peers first; what the numbers mean is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from pathlib import Path

from benchmarks import harness, report
from benchmarks.scenarios import asking, bulk, connects, curves, memory, reader, round_trips
from benchmarks.world import world

SCENARIOS = {
    module.NAME: module for module in (round_trips, connects, memory, reader, bulk, asking, curves)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more rounds, and larger numbers")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="one scenario")
    parser.add_argument("--results", type=Path, default=harness.HERE / "results" / "results.json")
    options = parser.parse_args()
    for peer in harness.PEERS.values():
        if (reason := harness.missing(peer)) is not None:
            print(reason)
    rows: list[harness.Row] = []
    with world() as servers:
        for name in options.only or SCENARIOS:
            began_s = time.monotonic()
            try:
                for each in SCENARIOS[name].run(servers, is_full=options.full):
                    rows.append(each)  # noqa: PERF402 - what was found before an error counts
            except Exception:  # noqa: BLE001 - the other scenarios are worth having
                print(f"{name} is left out from here on:\n{traceback.format_exc()}")
            print(f"{name}: {time.monotonic() - began_s:.0f} s", flush=True)
    options.results.parent.mkdir(exist_ok=True)
    versions = harness.versions()
    found = {"versions": versions, "rows": [each.to_json() for each in rows]}
    options.results.write_text(json.dumps(found, indent=1) + "\n")
    if not options.only:
        target = "bench-full" if options.full else "bench"
        report.write(rows, versions, target)
    for each in rows:
        spread = f"{each.value:.2f} ({each.low:.2f}-{each.high:.2f})"
        print(f"{each.case:34} {each.peer:20} {spread:>26} {each.unit:18} {each.verdict}")


if __name__ == "__main__":
    main()
