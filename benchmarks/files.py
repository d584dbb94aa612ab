"""How many files and sockets a process may have open."""

from __future__ import annotations

import resource


def raise_file_limit() -> None:
    """Let this process have a socket for each session, as far as the system does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
