"""Play every attack to every client, and write down who comes out of which how.

    python -m benchmarks.hostile [--client NAME] [--results FILE] [--page FILE]

`make hostile` installs the clients first, and writes docs/hostile-clients.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import queue
import ssl
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks.harness import HERE, PeerError, Process
from benchmarks.hostile.clients import CLIENTS, Client, present
from benchmarks.hostile.page import page
from benchmarks.peer import Job
from benchmarks.versions import versions

from securemail import TLSMode
from securemail.testing import CertificateAuthority, ScriptedServer
from securemail.testing.attacks import ATTACKS, HOST, Attack, Ended, Seen, Use, Verdict, judge

PASSWORD: Final = "c4naryXpassw0rd"
# Longer than anybody's limit for a server that says nothing, where there is a limit: ours is 20 s.
LIMIT_S: Final = 25.0
AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one client came out of one attack."""

    client: str
    attack: str
    verdict: Verdict
    said: str


class Victim:
    """A client's process; one that hangs is ended, and the next attack gets another."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._process: Process | None = None

    def connect(self, job: Job) -> tuple[Ended, str]:
        """Have the client connect and log in, and leave again."""
        if self._process is None:
            self._process = Process(self.client.peer)
        answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_ask, args=(self._process, job, answers), daemon=True).start()
        try:
            said = answers.get(timeout=LIMIT_S)
        except queue.Empty:
            self.close()
            return Ended.HUNG, ""
        if said:
            return Ended.FAILED, said
        # What the server does with its farewell is not what is asked here.
        self.close()
        return Ended.SUCCEEDED, ""

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.__exit__()
            self._process = None


def _ask(process: Process, job: Job, answers: queue.Queue[str]) -> None:
    try:
        process.ask(job)
        answers.put("")
    except (PeerError, ValueError, OSError) as exc:
        answers.put(str(exc) or type(exc).__name__)


async def play(attack: Attack, victim: Victim, ca: CertificateAuthority, path: str) -> Outcome:
    """Play `attack` to one client."""
    async with ScriptedServer(attack.script, context=_context(attack, ca)) as server:
        job = Job(
            do="ready",
            service=attack.service.name.lower(),
            tls=attack.mode.name.lower(),
            address=server.address,
            port=server.port,
            host=HOST,
            ca=path,
            user="alice",
            password=PASSWORD,
        )
        ended, said = await asyncio.to_thread(victim.connect, job)
        cleartexts = tuple(transcript.cleartext for transcript in server.transcripts)
        seen = Seen(cleartexts, bytes(server.plaintext), server.client_certificate)
    verdict = judge(attack, ended, seen, [PASSWORD.encode()])
    return Outcome(victim.client.peer.name, attack.id, verdict, said)


@cache
def _context(attack: Attack, ca: CertificateAuthority) -> ssl.SSLContext:
    return attack.server(ca)


async def run(clients: list[Client]) -> list[Outcome]:
    """Play all attacks that are over with the login, many at once: most of it is waiting."""
    ca = CertificateAuthority()
    places = asyncio.Semaphore(AT_ONCE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ca.pem"
        path.write_bytes(ca.pem)

        async def one(client: Client, idle: list[Victim], attack: Attack) -> Outcome:
            async with places:
                victim = idle.pop() if idle else Victim(client)
                try:
                    return await play(attack, victim, ca, str(path))
                finally:
                    idle.append(victim)

        async def all_of(client: Client) -> list[Outcome]:
            idle: list[Victim] = []
            mine = [attack for attack in ATTACKS.values() if _is_for(client, attack)]
            found = await asyncio.gather(*(one(client, idle, attack) for attack in mine))
            for victim in idle:
                victim.close()
            print(client.peer.name, _counts(found), flush=True)
            return found

        found = await asyncio.gather(*(all_of(client) for client in clients))
    return [outcome for each in found for outcome in each]


def _is_for(client: Client, attack: Attack) -> bool:
    tls = "implicit" if attack.mode is TLSMode.IMPLICIT else "starttls"
    return client.peer.takes(attack.service.name.lower(), tls) and attack.use is Use.NOTHING


def _counts(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter(each.verdict.name for each in outcomes))


def _earlier(results: Path) -> dict[str, dict[str, str]]:
    """Return what was found before: with --client, the others keep theirs."""
    found: dict[str, dict[str, str]] = {}
    if results.exists():
        found = json.loads(results.read_text())["clients"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--client", action="append", help="only this one; the others keep their results"
    )
    parser.add_argument("--results", type=Path, default=HERE / "results" / "hostile.json")
    parser.add_argument("--page", type=Path, help="write the page for people here")
    options = parser.parse_args()
    clients = [
        client
        for client in present()
        if options.client is None or client.peer.name in options.client
    ]
    with ThreadPoolExecutor(AT_ONCE) as threads, asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(threads)
        outcomes = runner.run(run(clients))
    by_client = _earlier(options.results)
    for client in clients:
        by_client[client.peer.name] = {}
    for each in outcomes:
        by_client[each.client][each.attack] = each.verdict.name
    options.results.parent.mkdir(exist_ok=True)
    found = {"versions": versions(), "clients": by_client}
    options.results.write_text(json.dumps(found, indent=1) + "\n")
    if options.page is not None:
        options.page.write_text(page(CLIENTS, by_client, versions(), limit_s=LIMIT_S))


if __name__ == "__main__":
    main()
