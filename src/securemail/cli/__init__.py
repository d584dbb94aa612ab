"""The `securemail` command (extra `securemail[cli]`)."""

import io
import sys

from securemail.cli.exits import Exit


def main() -> None:
    """Run the command; without its extra, say what to install."""
    try:
        import rich  # noqa: F401, PLC0415 - only to see whether it is there
        import typer  # noqa: F401, PLC0415 - likewise
    except ModuleNotFoundError as exc:
        sys.stderr.write(f"{exc.name} is missing: pip install 'securemail[cli]'\n")
        sys.exit(Exit.USAGE)
    from securemail.cli.app import app  # noqa: PLC0415 - it needs both

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no ✓ is no reason for a traceback.
            stream.reconfigure(errors="backslashreplace")

    app()
