"""What it was measured on."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.harness import HERE, OURS

_DEBIAN: Final = ("dpkg-query", "--show", "--showformat", "${Version}")


def versions() -> dict[str, str]:
    """Return the machine, and the version of everything; "none" of what is not there."""
    found = {
        "cpu": f"{os.cpu_count()} of {_cpu()}",
        "load": f"{os.getloadavg()[0]:.1f} at the end, what ran beside it included",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openssl of python": __import__("ssl").OPENSSL_VERSION.split()[1],
    }
    for package in (OURS, "cryptography", "pyOpenSSL", "aioimaplib", "aiosmtplib", "uvloop"):
        found[package] = version(package)
    for name, *command in (
        ("dovecot", "/usr/sbin/dovecot", "--version"),
        ("postfix", "/usr/sbin/postconf", "-h", "mail_version"),
        ("curl", "curl", "--version"),
        ("node", "node", "--version"),
        ("go", "go", "version"),
        ("go-imap", *_DEBIAN, "golang-github-emersion-go-imap-dev"),
        ("go-smtp", *_DEBIAN, "golang-github-emersion-go-smtp-dev"),
    ):
        found[name] = _first_line(command)
    for package in ("imapflow", "nodemailer"):
        path = HERE / "node_modules" / package / "package.json"
        found[package] = json.loads(path.read_text())["version"] if path.exists() else "none"
    return found


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return "none"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout or done.stderr).strip().split("\n")[0].split(" (")[0]
    return said.removeprefix("curl ").removeprefix("go version go")
