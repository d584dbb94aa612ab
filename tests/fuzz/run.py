"""`make fuzz`: atheris on each target for some seconds; a crash becomes a seed, and so a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
INPUT_BYTES = 4_096
MEMORY_MB = 1_024
ONE_INPUT_S = 10


def fuzz(name: str, seconds: int) -> int:
    """Run one target in a process of its own; libFuzzer never returns."""
    found = CORPUS.parent / ".found" / name
    found.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(found), str(CORPUS / name)]
    options = {
        "max_total_time": seconds,
        "max_len": INPUT_BYTES,
        "rss_limit_mb": MEMORY_MB,
        "timeout": ONE_INPUT_S,
        "artifact_prefix": f"{CORPUS / name}/",
        "verbosity": 0,
        "print_final_stats": 1,
    }
    done = subprocess.run(
        [*command, *(f"-{key}={value}" for key, value in options.items())],
        capture_output=True,
        text=True,
        check=False,
    )
    runs = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    count = runs[0].split()[-1] if runs else "?"
    print(f"{name}: {count} inputs in {seconds} s, {'fine' if done.returncode == 0 else 'CRASH'}")
    if done.returncode:
        print(done.stdout[-2_000:], done.stderr[-4_000:], sep="\n")
    return done.returncode


def main() -> None:
    seconds = int(sys.argv[1])
    names = sys.argv[2:] or sorted(folder.name for folder in CORPUS.iterdir())
    failed = [name for name in names if fuzz(name, seconds)]
    sys.exit(f"crashes in {', '.join(failed)}: now seeds in tests/fuzz/corpus" if failed else 0)


if __name__ == "__main__":
    main()
