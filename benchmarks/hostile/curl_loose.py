"""curl that is left to upgrade where it can."""

from __future__ import annotations

from functools import partial

from benchmarks.hostile.curl_strict import connect
from benchmarks.peer import serve
from benchmarks.peers.curl import leave

if __name__ == "__main__":
    serve(partial(connect, demand="--ssl"), leave)
