"""One target under atheris: `python -m tests.fuzz.one TARGET [libFuzzer's options and folders]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["securemail"]):
    from tests.fuzz.targets import attack


def main() -> None:
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, lambda data: attack(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
