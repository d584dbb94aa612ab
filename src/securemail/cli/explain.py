"""`securemail explain`: everything that one server shows, in plain words, however bad it is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from securemail.account import Endpoint, TLSMode
from securemail.cli.reports import certificates_view, proof_lines
from securemail.cli.surroundings import Surroundings
from securemail.cli.target import Server
from securemail.cli.view import sign
from securemail.errors import ConfidentialityWarning, DiscoveryError
from securemail.minimum import Policy
from securemail.policy.confidentiality import Confidentiality
from securemail.records import DNSSEC, Answer, TLSARecord
from securemail.session import SecureSession
from securemail.tls.facts import CertificateFacts


@dataclass(frozen=True, slots=True)
class Explained:
    """What a server has shown. `tlsa` is what the DNS says of its keys, or why that is unknown."""

    endpoint: Endpoint
    proof: Confidentiality
    capabilities: frozenset[str]
    tlsa: Answer[TLSARecord] | DiscoveryError

    @property
    def is_private(self) -> bool:
        """Whether an account with RFC 8314's minimum would use it."""
        return not self.proof.shortfalls

    def as_dict(self) -> dict[str, object]:
        """Return it in values that JSON has."""
        proof = self.proof
        return {
            "host": self.endpoint.host,
            "port": self.endpoint.port,
            "tls": self.endpoint.tls.name.lower(),
            "private": self.is_private,
            "indicator": proof.indicator.code,
            "tls_version": proof.tls_version.value if proof.tls_version else None,
            "cipher": proof.cipher,
            "group": proof.group,
            "trust": proof.trust.value,
            "identity": str(proof.identity) if proof.identity else None,
            "revocation": proof.revocation.cert_status.value,
            "problems": [problem.value for problem in proof.problems],
            "shortfalls": sorted(each.name.lower() for each in proof.shortfalls),
            "certificates": [_certificate(CertificateFacts.of(each)) for each in proof.chain],
            "tlsa": self._tlsa_lines,
            "client_certificate_requested": proof.client_certificate_requested,
            "capabilities": sorted(self.capabilities),
        }

    def view(self) -> Group:
        """Return it as a person sees it."""
        heading = Text.assemble(
            sign(is_good=self.is_private), f" {self.endpoint}, {self.endpoint.tls.value}: "
        )
        heading.append(self.proof.indicator.label, style="bold")
        parts: list[RenderableType] = [heading, Text(self.proof.indicator.sentence)]
        parts += [Text(f"  {line}") for line in proof_lines(self.proof)]
        if self.proof.problems:
            said = ", ".join(problem.value for problem in self.proof.problems)
            parts.append(Text(f"The certificate would not be accepted: {said}.", style="bold red"))
        parts += [Text(f"DANE: {line}") for line in self._tlsa_lines]
        if self.proof.client_certificate_requested:
            parts.append(Text("The server asks for a client certificate."))
        if self.proof.chain:
            parts.append(certificates_view(self.proof))
        parts.append(Text("It offers: " + (" · ".join(sorted(self.capabilities)) or "nothing")))
        return Group(*parts)

    @property
    def _tlsa_lines(self) -> list[str]:
        if isinstance(self.tlsa, DiscoveryError):
            return [f"cannot be looked up: {self.tlsa}"]
        if not self.tlsa.records:
            return ["the DNS has no TLSA records for this server"]
        is_signed = self.tlsa.dnssec is DNSSEC.SECURE
        counts = "signed" if is_signed else f"{self.tlsa.dnssec.value}, so that it does not count"
        met = self.proof.tlsa
        return [
            f"{record}\n  ({counts}{', met by this certificate' if record == met else ''})"
            for record in self.tlsa.records
        ]


def _certificate(facts: CertificateFacts) -> dict[str, str]:
    return {
        "subject": facts.subject,
        "issuer": facts.issuer,
        "names": facts.names,
        "valid_from": facts.valid_from.isoformat(),
        "valid_until": facts.valid_until.isoformat(),
        "key": facts.key,
        "sha256": facts.fingerprint,
    }


async def explain_server(server: Server, around: Surroundings) -> Explained:
    """Return what `server` shows; a bad certificate is shown, too, and nobody logs in.

    Raises: ConnectError, DeadlineError, TLSError, ProtocolError; CertificateError for one that
    cannot even be read; DiscoveryError for a forged answer.
    """
    with warnings.catch_warnings():
        # There is nothing to keep private: no name, no password, no mail.
        warnings.simplefilter("ignore", ConfidentialityWarning)
        policy = Policy.without_minimum(acknowledge="to look at the server; nobody logs in")
    account = server.account(around.trust, policy)
    session: SecureSession[object] = await SecureSession.open(
        account, server.service, resolver=around.resolver, timeouts=around.timeouts
    )
    async with session:
        if server.endpoint.tls is TLSMode.STARTTLS:
            await session.starttls()
        proof = session.confidentiality
        capabilities = await session.discover()
    return Explained(server.endpoint, proof, capabilities, await _tlsa(server.endpoint, around))


async def _tlsa(endpoint: Endpoint, around: Surroundings) -> Answer[TLSARecord] | DiscoveryError:
    if endpoint.is_address:
        return Answer(endpoint.host, (), DNSSEC.UNCHECKED, endpoint.host)
    try:
        return await around.resolver.tlsa(endpoint.host, endpoint.port)
    except DiscoveryError as exc:
        return exc
