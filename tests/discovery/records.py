"""SRV answers, written short."""

from __future__ import annotations

from securemail.account import Endpoint, Service, TLSMode
from securemail.discovery.finding import Advertised, Finding
from securemail.discovery.plan import Plan, plan_of
from securemail.minimum import Policy
from securemail.records import DNSSEC, Answer, SRVRecord
from securemail.trust import TrustStore

DOMAIN = "example.org"
ADDRESS = f"alice@{DOMAIN}"


def srv(target: str, priority: int = 0, weight: int = 0, port: int = 993) -> SRVRecord:
    return SRVRecord(priority, weight, port, target)


def answer(*records: SRVRecord, dnssec: DNSSEC = DNSSEC.INSECURE) -> Answer[SRVRecord]:
    return Answer("any.example", records, dnssec, "any.example")


def lowest(n: int) -> int:
    """A draw that always takes the first."""
    return 0


def server(
    host: str,
    tls: TLSMode = TLSMode.IMPLICIT,
    service: Service = Service.IMAP,
    *,
    dnssec: DNSSEC = DNSSEC.INSECURE,
    preference: int = 0,
) -> Advertised:
    endpoint = Endpoint(host, 993, tls)
    return Advertised(service=service, endpoint=endpoint, dnssec=dnssec, preference=preference)


def plan(*findings: Finding, policy: Policy | None = None) -> Plan:
    return plan_of(ADDRESS, DOMAIN, findings, policy=policy or Policy(), trust=TrustStore.system())


def planned(*servers: Advertised, policy: Policy | None = None) -> Plan:
    return plan(Finding(source="SRV", servers=servers), policy=policy)
