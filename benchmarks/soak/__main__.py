"""Watch mailboxes for minutes while all goes wrong that can, and account for each message.

    python -m benchmarks.soak [--minutes 15] [--mailboxes 500] [--seed N] [--keep DIR] [--json]

The server is a process of its own that is killed and restarted; between it and the watches stands
a proxy that cuts, stalls and corrupts. The exit code is 1 where a message is missing or was
announced twice, and where memory grows. `make soak MINUTES=15` is the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.files import raise_file_limit
from benchmarks.soak.run import Soak, found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--mailboxes", type=int, default=500)
    parser.add_argument("--seed", type=int, help="of what is drawn; when it strikes is chance")
    parser.add_argument("--keep", type=Path, help="a folder for the journal and what was heard")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    raise_file_limit()
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as directory:
        soak = Soak(chosen.keep or Path(directory), chosen.mailboxes, chosen.minutes * 60, seed)
        asyncio.run(soak.run())
    result = found(soak)
    print(json.dumps(result, indent=1) if chosen.json else _page(result))
    sys.exit(0 if soak.is_good else 1)


def _page(result: dict[str, Any]) -> str:
    rows = []
    for name, value in result.items():
        if isinstance(value, dict):
            rows += [f"{name}:", *(f"  {key:44} {each}" for key, each in value.items())]
        elif isinstance(value, list):
            rows += [f"{name}:", *(f"  {each}" for each in value)]
        else:
            rows.append(f"{name:46} {value}")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
