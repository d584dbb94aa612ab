"""Each place that refuses something for the sake of security has a mutant that deletes it.

A refusal is, by its syntax, the making of an error that says so, a question to the gate, or a
`Shortfall` or `CertificateReason` that a function decides on, in the layers that decide. It is
covered when a mutant changes something between its condition, with the statement in front of that,
and itself; or the call of the function that it is in, in the same file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.test_mutants import ALL

SOURCE: Final = Path(__file__).parents[1] / "src" / "securemail"
# Where it is decided: the machines, the policy, TLS, and who drives them.
FILES: Final = (
    *sorted(
        path.relative_to(SOURCE).as_posix()
        for layer in ("aio", "policy", "protocol", "tls")
        for path in (SOURCE / layer).glob("*.py")
    ),
    "session.py",
    "wire/buffer.py",
)
ERRORS: Final = frozenset(
    {
        "CertificateError",
        "InjectionError",
        "LimitExceeded",
        "PolicyError",
        "ProtocolError",
        "TLSError",
        "VersionError",
    }
)
GATES: Final = frozenset({"gate", "_gate"})
REASONS: Final = frozenset({"CertificateReason", "Shortfall"})
_OPENSSL: Final = "it gives a name to what OpenSSL refused; the refusal itself has mutants"
_MADE: Final = "it makes the error and decides nothing; those that call it have mutants"
_OURS: Final = "it can come from a mistake of ours alone, not from a server"

# File and function: why a refusal in it needs no mutant.
EXCEPTIONS: Final = {
    ("tls/findings.py", "finding_of"): _OPENSSL,
    ("tls/findings.py", "_clause"): _OPENSSL,
    ("tls/findings.py", "_predicate"): _OPENSSL,
    ("tls/reasons.py", "reason_of"): _OPENSSL,
    ("tls/engine.py", "_explained"): _OPENSSL,
    ("tls/engine.py", "proof"): _OURS,
    ("tls/engine.py", "_new_proof"): _OURS,
    ("tls/engine.py", "channel_binding"): _OURS,
    ("tls/verdict.py", "_mismatch"): _MADE,
    ("protocol/machine.py", "_injected"): _MADE,
    ("aio/connection.py", "discover"): "without the list nothing more is asked for",
    ("protocol/machine.py", "_apply"): "a second wall: the dialects refuse first whatever it lacks",
    ("protocol/imap.py", "_read_greeting"): "the table of replies refuses it as well; it has one",
}

Span = tuple[int, int]
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where something is refused: `span` are the lines that decide and those that do it."""

    path: str
    function: str
    line: int
    what: str
    span: Span

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.what} in {self.function}"


def _what(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in ERRORS:
            return name
        case ast.Call(func=ast.Attribute(attr=name)) if name in GATES:
            return "the gate"
        case ast.Attribute(value=ast.Name(id=name), attr=member) if name in REASONS:
            return f"{name}.{member}"
    return None


@cache
def _refusals(path: str) -> tuple[Refusal, ...]:
    tree = ast.parse((SOURCE / path).read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        if (what := _what(node)) is None or not isinstance(node, ast.expr):
            continue
        above = list(_above(node, parents))
        functions = [each.name for each in above if isinstance(each, _FUNCTION)]
        if functions:  # a table of names decides nothing
            span = (_first_line(above, parents), node.end_lineno or node.lineno)
            found.append(Refusal(path, functions[0], node.lineno, what, span))
    return tuple(found)


def _above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def _first_line(above: list[ast.AST], parents: dict[ast.AST, ast.AST]) -> int:
    """Return where the condition begins, or what computes it, or else the function."""
    for node in above:
        match node:
            case ast.If() | ast.IfExp():
                return _before(node, parents)
            case ast.ExceptHandler() | ast.FunctionDef() | ast.AsyncFunctionDef():
                return node.lineno
            case ast.match_case(pattern=pattern):
                return pattern.lineno
    raise AssertionError("it is in no function")


def _before(node: ast.If | ast.IfExp, parents: dict[ast.AST, ast.AST]) -> int:
    body: list[ast.stmt] = getattr(parents[node], "body", [])
    if isinstance(node, ast.If) and node in body and (at := body.index(node)):
        return body[at - 1].lineno
    return node.lineno


@cache
def _changed(path: str) -> tuple[list[Span], str]:
    """Return which lines of a file mutants change, and all the text that they change."""
    text = (SOURCE / path).read_text()
    spans = []
    mutants = [mutant for mutant in ALL if mutant.path == path]
    for mutant in mutants:
        at = text.index(mutant.before)
        first = text.count("\n", 0, at) + 1
        spans.append((first, first + mutant.before.rstrip("\n").count("\n")))
    return spans, "".join(mutant.before for mutant in mutants)


def _is_covered(refusal: Refusal) -> bool:
    spans, text = _changed(refusal.path)
    begin, end = refusal.span
    is_changed = any(first <= end and last >= begin for first, last in spans)
    return is_changed or f"{refusal.function}(" in text.replace(f"def {refusal.function}(", "")


@pytest.mark.parametrize("path", FILES)
def test_every_refusal_has_a_mutant_or_a_reason_why_not(path: str) -> None:
    bare = [
        str(refusal)
        for refusal in _refusals(path)
        if not _is_covered(refusal) and (path, refusal.function) not in EXCEPTIONS
    ]
    assert bare == []


def test_no_exception_outlives_its_refusal() -> None:
    bare = {
        (refusal.path, refusal.function)
        for path in FILES
        for refusal in _refusals(path)
        if not _is_covered(refusal)
    }
    assert EXCEPTIONS.keys() - bare == set()


def test_the_refusals_are_found() -> None:
    # The count is no claim: but a walk that finds nothing would be content with anything.
    assert len([refusal for path in FILES for refusal in _refusals(path)]) > 50
