"""The page for people: a table of verdicts, and what each client did not hold against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from benchmarks.hostile.clients import Client

from securemail.testing.attacks import Verdict

# Of the versions, what none of these clients is made of.
_ELSEWHERE = ("cpu", "go", "go-imap", "go-smtp")

_HEAD = """# The same attacks on other clients

Made by `make hostile`, which plays the attacks of `securemail.testing.attacks` (those that are over with
the login) to other clients, each a process of its own, and judges by what left its socket and how its
login ended. A client is judged only for protocols and modes that it has. Every attack asks for a login by
PLAIN or the protocol's own command with a password that must not be seen where it should not.

What the words mean, from good to bad:

"""

_FAIRNESS = """
## To be fair

- A client that is set up to insist on TLS, and verifies certificates, is what its documentation tells the
  careful; "as it comes" is what most programs do.
- *Talked* is mostly EHLO with the machine's own name, or a farewell, in front of TLS: no secret.
- *Hung* is a client that waits longer than {limit:g} s for a server that says nothing more. Some have a limit
  that is longer, or one that the program has to set.
- A few of the attacks come in a moment of their own, and on a busy machine a peer holds or hangs by chance: of the
  peers' rows, up to six moved between *held* and *hung* from one run to the next. None of ours did.
- curl is asked for NOOP after its login, which these servers do not answer as it likes: whether it would have
  *believed* what was planted is not seen. What it *leaked* is.
- *Believed* is a login that worked though the server had shown that it is none to be trusted. That an
  attacker gains from it is not said: some only make the client take a lie about capabilities for the truth.
"""


def page(
    clients: Iterable[Client],
    outcomes: Mapping[str, Mapping[str, str]],
    versions: Mapping[str, str],
    *,
    limit_s: float,
) -> str:
    """Return the page in Markdown."""
    lines = [_HEAD + "\n".join(f"- *{each.name.lower()}*: {each.value}" for each in Verdict), ""]
    lines += [
        "| client | set up | attacks | " + " | ".join(_words(each) for each in Verdict) + " |"
    ]
    lines += ["|---|---|---|" + "---|" * len(Verdict)]
    for client in clients:
        name = client.peer.name
        counts = Counter(outcomes.get(name, {}).values())
        cells = " | ".join(str(counts[each.name] or "") for each in Verdict)
        lines.append(f"| {name} | {client.setup} | {counts.total()} | {cells} |")
    lines += [_FAIRNESS.format(limit=limit_s), "## Which"]
    for client in clients:
        lines += _failures(client.peer.name, outcomes.get(client.peer.name, {}))
    lines += ["", "## Versions", ""]
    lines += [f"- {name} {version}" for name, version in versions.items() if name not in _ELSEWHERE]
    return "\n".join(lines) + "\n"


def _words(verdict: Verdict) -> str:
    return verdict.name.lower()


def _failures(client: str, outcomes: Mapping[str, str]) -> list[str]:
    lines = ["", f"### {client}", ""]
    bad = [each for each in Verdict if each is not Verdict.HELD]
    for verdict in reversed(bad):
        names = [name for name, found in outcomes.items() if found == verdict.name]
        if names:
            lines += [f"*{_words(verdict)}* ({len(names)}):", ""]
            lines += [f"- {name}" for name in names] + [""]
    if len(lines) == 3:
        lines.append("Held against all of them.")
    return lines
