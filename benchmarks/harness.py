"""Peers as processes, numbers that were measured in turn, and what they were measured on."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from benchmarks.peer import Job

ROOT: Final = Path(__file__).parents[1]
HERE: Final = Path(__file__).parent
OURS: Final = "securemail"
PATIENCE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Row:
    """One number of one peer: the median of its rounds, the least and the largest.

    A row with a `base` is a ratio to that peer in the same round; all others are absolute. `target`
    is the most that it should be, where there is one.
    """

    scenario: str
    case: str
    peer: str
    unit: str
    value: float
    low: float
    high: float
    base: str = ""
    target: float | None = None
    series: str = ""  # of which curve it is a point
    at: int = 0  # and where

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return "met" if self.value <= self.target else "NOT met"

    def to_json(self) -> dict[str, Any]:
        """Return it with its verdict."""
        return {**asdict(self), "verdict": self.verdict}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Row:
        """Return the row that `to_json` was asked for."""
        return cls(**{name: value for name, value in fields.items() if name != "verdict"})


def row(place: tuple[str, str, str], unit: str, values: Iterable[float], **more: Any) -> Row:
    """Return the row at `place` (scenario, case, peer) for what the rounds gave."""
    each = sorted(values)
    return Row(*place, unit, statistics.median(each), each[0], each[-1], **more)


def ratios(
    place: tuple[str, str],
    rounds: Sequence[Mapping[str, float]],
    base: str,
    targets: Mapping[str, float] = MappingProxyType({}),
) -> list[Row]:
    """Return a row for each peer: how many times what `base` took in the same round."""
    with_base = [each for each in rounds if base in each]
    return [
        row(
            (*place, peer),
            f"times {base}",
            [each[peer] / each[base] for each in with_base if peer in each],
            base=base,
            target=targets.get(peer),
        )
        for peer in dict.fromkeys(peer for each in with_base for peer in each)
        if peer != base
    ]


@dataclass(frozen=True, slots=True)
class Peer:
    """A library that is measured: how to start its process, and which services it has."""

    name: str
    command: tuple[str, ...]
    services: tuple[str, ...]
    has_starttls: bool = True

    def takes(self, service: str, tls: str) -> bool:
        """Return whether it can connect like this."""
        return service in self.services and (self.has_starttls or tls == "implicit")


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benchmarks.peers.{module}", *arguments)


def _node(module: str) -> tuple[str, ...]:
    return ("node", "--expose-gc", str(HERE / "peers" / f"{module}.mjs"))


def _go(name: str) -> tuple[str, ...]:
    return (str(HERE / "bin" / name),)


_ALL: Final = ("imap", "pop3", "submission")
PEERS: Final = {
    peer.name: peer
    for peer in (
        Peer(OURS, _python("securemail"), _ALL),
        Peer(f"{OURS}+uvloop", _python("securemail", "uvloop"), _ALL),
        Peer("imaplib", _python("imaplib"), ("imap",)),
        Peer("poplib", _python("poplib"), ("pop3",)),
        Peer("smtplib", _python("smtplib"), ("submission",)),
        Peer("aioimaplib", _python("aioimaplib"), ("imap",), has_starttls=False),
        Peer("aioimaplib+uvloop", _python("aioimaplib", "uvloop"), ("imap",), has_starttls=False),
        Peer("aiosmtplib", _python("aiosmtplib"), ("submission",)),
        Peer("aiosmtplib+uvloop", _python("aiosmtplib", "uvloop"), ("submission",)),
        Peer("curl", _python("curl"), _ALL),
        Peer("imapflow", _node("imapflow"), ("imap",)),
        Peer("nodemailer", _node("nodemailer"), ("submission",)),
        Peer("go-imap", _go("go-imap"), ("imap",)),
        Peer("go-smtp", _go("go-smtp"), ("submission",)),
    )
}


class MissingPeerError(Exception):
    """The peer is not installed here."""


class PeerError(Exception):
    """The peer could not do its job."""


class Process:
    """A peer that runs, and does one job after another."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._process = subprocess.Popen(
            peer.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, job: Job) -> dict[str, Any]:
        """Have `job` done.

        Raises: PeerError.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # One that hangs must not keep all others from being measured.
        watchdog = threading.Timer(PATIENCE_S, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(asdict(job)) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError as exc:
            raise PeerError(f"{self.peer.name} has ended") from exc
        finally:
            watchdog.cancel()
        if not answer:
            raise PeerError(f"{self.peer.name} has ended")
        said: dict[str, Any] = json.loads(answer)
        if "error" in said:
            raise PeerError(f"{self.peer.name}: {said['error']}")
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()


def missing(peer: Peer) -> str | None:
    """Return why `peer` is left out, or None."""
    program = peer.command[0]
    if program.startswith(str(HERE)) and not Path(program).exists():
        return f"{peer.name} is left out: it is not built"
    if shutil.which(program) is None:
        return f"{peer.name} is left out: there is no {program}"
    if peer.name == "curl" and shutil.which("curl") is None:
        return "curl is left out: it is not installed"
    if program == "node" and not (HERE / "node_modules" / peer.name).is_dir():
        return f"{peer.name} is left out: npm has not installed it"
    return None


def present(names: Iterable[str]) -> list[Peer]:
    """Return those of `names` that are here."""
    return [PEERS[name] for name in names if missing(PEERS[name]) is None]
