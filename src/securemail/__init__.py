"""Secure sessions with mail servers (RFC 8314)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from securemail._names import HOMES
from securemail._version import __version__

if TYPE_CHECKING:
    from securemail.account import Account, Endpoint, Service, TLSMode
    from securemail.aio.clock import Timeouts
    from securemail.aio.resolver import Resolver
    from securemail.aio.resolver_lookup import DNSTrust
    from securemail.certificate import ClientCertificate
    from securemail.connect import connect_imap, connect_pop3, connect_submission
    from securemail.credentials import OAuthToken, Password
    from securemail.discovery.candidate import Candidate
    from securemail.discovery.changes import Change, ChangeKind, Changes
    from securemail.discovery.plan import Plan
    from securemail.dsn import DSN, Notify, Returned
    from securemail.errors import (
        Attempt,
        AuthenticationError,
        CertificateError,
        CommandError,
        ConfidentialityWarning,
        ConfirmationRequired,
        ConnectError,
        DeadlineError,
        DiscoveryError,
        DiscoveryReason,
        InjectionError,
        LimitExceeded,
        PolicyError,
        ProtocolError,
        ResponseCode,
        SecureMailError,
        SubmissionError,
        TLSError,
        UnknownOutcome,
        UsageError,
        VersionError,
    )
    from securemail.events import Event, Observer
    from securemail.intent import Phase
    from securemail.messages import fetch_messages
    from securemail.minimum import Policy
    from securemail.observers import LoggingObserver
    from securemail.outcome import Outcome, RecipientOutcome, Submitted
    from securemail.pin import Pin
    from securemail.policy.confidentiality import Confidentiality, Indicator, Level
    from securemail.pool import PoolLimits, PoolStatistics, SessionPool
    from securemail.proof import (
        CertificateReason,
        Identity,
        IdentityKind,
        Shortfall,
        TLSVersion,
        Trust,
    )
    from securemail.proxy import Proxy, ProxyKind
    from securemail.reconnect import Backoff, Remedy, remedy
    from securemail.records import DNSSEC, Answer, SRVRecord, TLSARecord
    from securemail.retry import keep_trying
    from securemail.revocation import CertStatus, Revocation, RevocationStatus
    from securemail.secret import Secret
    from securemail.session import SecureSession
    from securemail.setup import (
        AccountReport,
        ServiceReport,
        TLSOffer,
        configuration_changes,
        verify_account,
        with_offers,
    )
    from securemail.setup.discover import discover
    from securemail.setup.pins import PinOffer, pin_offer
    from securemail.store import (
        AccountStore,
        Fall,
        Floor,
        PinRecord,
        StoredAccount,
        StoreError,
        StoreReason,
        SystemKeyring,
    )
    from securemail.throttle import Throttle
    from securemail.tls.facts import CertificateFacts
    from securemail.transports.pop3 import POP3Client
    from securemail.trust import TrustStore
    from securemail.uids import UIDSet, UIDValidityError
    from securemail.watching import (
        ConfidentialityChanged,
        Connected,
        Cursor,
        Lost,
        MailboxChanged,
        MaildropChanged,
        MaildropCursor,
        Rhythm,
        UIDValidityChanged,
        Watch,
        WatchEvent,
    )
    from securemail.watching.watch import watch
    from securemail.watching.watch_all import watch_all

__all__ = [
    "DNSSEC",
    "DSN",
    "Account",
    "AccountReport",
    "AccountStore",
    "Answer",
    "Attempt",
    "AuthenticationError",
    "Backoff",
    "Candidate",
    "CertStatus",
    "CertificateError",
    "CertificateFacts",
    "CertificateReason",
    "Change",
    "ChangeKind",
    "Changes",
    "ClientCertificate",
    "CommandError",
    "Confidentiality",
    "ConfidentialityChanged",
    "ConfidentialityWarning",
    "ConfirmationRequired",
    "ConnectError",
    "Connected",
    "Cursor",
    "DNSTrust",
    "DeadlineError",
    "DiscoveryError",
    "DiscoveryReason",
    "Endpoint",
    "Event",
    "Fall",
    "Floor",
    "Identity",
    "IdentityKind",
    "Indicator",
    "InjectionError",
    "Level",
    "LimitExceeded",
    "LoggingObserver",
    "Lost",
    "MailboxChanged",
    "MaildropChanged",
    "MaildropCursor",
    "Notify",
    "OAuthToken",
    "Observer",
    "Outcome",
    "POP3Client",
    "Password",
    "Phase",
    "Pin",
    "PinOffer",
    "PinRecord",
    "Plan",
    "Policy",
    "PolicyError",
    "PoolLimits",
    "PoolStatistics",
    "ProtocolError",
    "Proxy",
    "ProxyKind",
    "RecipientOutcome",
    "Remedy",
    "Resolver",
    "ResponseCode",
    "Returned",
    "Revocation",
    "RevocationStatus",
    "Rhythm",
    "SRVRecord",
    "Secret",
    "SecureMailError",
    "SecureSession",
    "Service",
    "ServiceReport",
    "SessionPool",
    "Shortfall",
    "StoreError",
    "StoreReason",
    "StoredAccount",
    "SubmissionError",
    "Submitted",
    "SystemKeyring",
    "TLSARecord",
    "TLSError",
    "TLSMode",
    "TLSOffer",
    "TLSVersion",
    "Throttle",
    "Timeouts",
    "Trust",
    "TrustStore",
    "UIDSet",
    "UIDValidityChanged",
    "UIDValidityError",
    "UnknownOutcome",
    "UsageError",
    "VersionError",
    "Watch",
    "WatchEvent",
    "__version__",
    "configuration_changes",
    "connect_imap",
    "connect_pop3",
    "connect_submission",
    "discover",
    "fetch_messages",
    "keep_trying",
    "pin_offer",
    "remedy",
    "verify_account",
    "watch",
    "watch_all",
    "with_offers",
]


if not TYPE_CHECKING:  # whoever reads a `__getattr__` takes every name for one of ours
    # PEP 562: a name is loaded when it is first asked for, since all of them take half a second.
    # `import securemail` takes a hundredth of that, and what a program does not use is never read.
    def __getattr__(name: str) -> object:
        home = HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
