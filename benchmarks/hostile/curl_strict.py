"""curl that insists on TLS. What it calls a weird reply is a failure here, whatever it was for."""

from __future__ import annotations

import subprocess

from benchmarks.peer import Job, serve
from benchmarks.peers.curl import SCHEMES, leave


def connect(job: Job, *, demand: str = "--ssl-reqd") -> None:
    secure = "s" if job.tls == "implicit" else ""
    url = f"{SCHEMES[job.service]}{secure}://{job.host}:{job.port}"
    there = f"{job.host}:{job.port}:{job.address}:{job.port}"
    command = ["curl", "-sS", demand, "--cacert", job.ca, "--connect-to", there]
    options = ["--login-options", "AUTH=PLAIN", "--sasl-ir", "-X", "NOOP"]
    user = ["--user", f"{job.user}:{job.password}"]
    done = subprocess.run([*command, *options, *user, url], capture_output=True, check=False)
    if done.returncode:
        raise ConnectionError(done.stderr.decode(errors="replace"))


if __name__ == "__main__":
    serve(connect, leave)
