"""curl: a process for each connection. What it was asked for after the login is not counted.

NOOP (LIST in POP3) and the farewell are one round trip each, `TRAILING` in all.
"""

from __future__ import annotations

import subprocess

from benchmarks.peer import Job, serve

TRAILING = 2
ASK = {"imap": ("-X", "NOOP"), "pop3": (), "submission": ("-X", "NOOP")}
SCHEMES = {"imap": "imap", "pop3": "pop3", "submission": "smtp"}


def connect(job: Job) -> None:
    secure = "s" if job.tls == "implicit" else ""
    url = f"{SCHEMES[job.service]}{secure}://{job.host}:{job.port}"
    there = f"{job.host}:{job.port}:{job.address}:{job.port}"
    command = ["curl", "-sS", "--ssl-reqd", "--cacert", job.ca, "--connect-to", there]
    options = ["--login-options", "AUTH=PLAIN", "--sasl-ir", *ASK[job.service]]
    user = ["--user", f"{job.user}:{job.password}"]
    done = subprocess.run([*command, *options, *user, url], capture_output=True, check=False)
    # To SMTP's NOOP there is nothing to download, and curl says so.
    if done.returncode not in (0, 8):
        raise ConnectionError(done.stderr.decode())


def leave(_: None) -> None:
    """Do nothing: it has left."""


if __name__ == "__main__":
    serve(connect, leave)
