"""How we judge the certificate chains of x509-limbo.

    python -m benchmarks.limbo limbo.json

The collection is at https://x509-limbo.com; our counts and where we differ are in docs/limbo.md.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import (
    CertificateError,
    Endpoint,
    SecureMailError,
    TLSError,
    TLSMode,
    TLSVersion,
    TrustStore,
)
from securemail.tls.context import ContextKey, build_context
from securemail.tls.engine import Engine
from securemail.tls.handshake import Handshake
from securemail.tls.verdict import Rules
from tests.tls.memory import show_encoded

SLOW_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one case; `said` is our reason, or why the case was not run."""

    case: dict[str, Any]
    got: str
    said: str
    seconds: float = 0.0

    @property
    def is_as_expected(self) -> bool:
        """Whether the collection says the same."""
        return self.got in ("SKIPPED", self.case["expected_result"])

    def __str__(self) -> str:
        features = ", ".join(self.case["features"])
        expected = self.case["expected_result"]
        return f"{self.case['id']} [{features}] expected {expected}, got {self.got}: {self.said}"


def why_not(case: dict[str, Any]) -> str:
    """Return why `case` is not about what we do, or nothing."""
    if case["validation_kind"] != "SERVER":
        return "the server validates a client"
    if case["crls"]:
        return "revocation lists are not used"
    if case["max_chain_depth"] is not None:
        return "there is no setting for the length of a chain"
    if case["signature_algorithms"] or case["key_usage"]:
        return "there is no setting for algorithms or uses"
    if case["extended_key_usage"] not in ([], ["serverAuth"]):
        return "only servers are validated"
    if case["expected_peer_name"] is None:
        return "a server has a name"
    return ""


def run(case: dict[str, Any]) -> Result:
    """Show the case's certificates to a client, and return what it says."""
    if reason := why_not(case):
        return Result(case, "SKIPPED", reason)
    start = time.perf_counter()
    try:
        said = verdict(case)
    except CertificateError as exc:
        return Result(case, "FAILURE", f"{exc.reason.name}: {exc}", time.perf_counter() - start)
    except SecureMailError as exc:
        return Result(case, "FAILURE", f"{type(exc).__name__}: {exc}", time.perf_counter() - start)
    return Result(case, "SUCCESS", said, time.perf_counter() - start)


def verdict(case: dict[str, Any]) -> str:
    """Return in what the trust rests.

    Raises: SecureMailError for a refusal.
    """
    host = Endpoint(case["expected_peer_name"]["value"], 993, TLSMode.IMPLICIT)
    trust = TrustStore.from_pem("\n".join(case["trusted_certs"]).encode())
    context = build_context(ContextKey(trust, TLSVersion.TLS_1_2))
    when = case["validation_time"]
    now = dt.datetime.fromisoformat(when) if when else dt.datetime.now(dt.UTC)
    if when:
        # The one thing that is not as in a connection: OpenSSL has a clock of its own.
        store = context.get_cert_store()
        if store is not None:
            store.set_time(now)
    rules = Rules(host=host.host, is_address=host.is_address, must_validate=True)
    handshake = Handshake(rules, now)
    own, *issuers = map(_der, [case["peer_certificate"], *case["untrusted_intermediates"]])
    show_encoded(Engine(context, handshake), [own, *issuers], is_rsa=_is_rsa(own))
    if handshake.verdict is None:
        raise TLSError("nobody has judged the certificate")
    return handshake.verdict.trust.value


def _der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def _is_rsa(der: bytes) -> bool:
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except Exception:  # noqa: BLE001 - hostile certificates raise anything
        return False
    return isinstance(key, rsa.RSAPublicKey)


def report(results: list[Result]) -> Iterator[str]:
    """Say how many cases came out how, and list all that did not come out as expected."""
    counts = Counter((each.got, each.is_as_expected) for each in results)
    yield f"{len(results)} cases"
    for (got, is_as_expected), count in sorted(counts.items()):
        yield f"{count} {got}{'' if is_as_expected else ', which was not expected'}"
    for reason, count in Counter(each.said for each in results if each.got == "SKIPPED").items():
        yield f"not run: {count}, for {reason}"
    yield from (f"{each.seconds:.1f} s: {each}" for each in results if each.seconds > SLOW_S)
    yield from (str(each) for each in results if not each.is_as_expected)


def main(path: str) -> None:
    """Run all cases of the file at `path`."""
    cases = json.loads(Path(path).read_text())["testcases"]
    print("\n".join(report([run(case) for case in cases])))


if __name__ == "__main__":
    main(sys.argv[1])
