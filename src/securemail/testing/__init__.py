"""Servers to test mail programs with. Needs the extra `securemail[testing]`.

`MailServer` is an honest server with real TLS and mailboxes in memory. `ScriptedServer` plays a
dialogue that is written down as steps, hostile ones included, and records what left the client's
socket. `NameServer` is a DNS with signed zones. `FaultProxy` stands between a client and any
server, and lets things go wrong at an octet or a step. Everything here is kept apart from the
library's own parsing, so that one mistake cannot hide another.
"""

from securemail.testing.ca import CertificateAuthority, ServerCertificate, self_signed
from securemail.testing.dns.mail import mail_zone
from securemail.testing.dns.server import NameServer
from securemail.testing.faults import (
    AtByte,
    AtStep,
    Corrupt,
    Cut,
    Delay,
    Fault,
    Side,
    Split,
    Stall,
    Truncate,
)
from securemail.testing.peer import Transcript
from securemail.testing.proxy import FaultProxy, Relayed
from securemail.testing.scripted import ScriptedServer
from securemail.testing.server import MailServer, Offer
from securemail.testing.steps import (
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    Repeat,
    Reset,
    Send,
    SendRaw,
    SendSegments,
    SendSlowly,
    StartTLS,
    Step,
)
from securemail.testing.store import Mailbox, MailStore, Message
from securemail.testing.submission.office import SubmittedMessage

__all__ = [
    "AtByte",
    "AtStep",
    "CertificateAuthority",
    "Close",
    "CloseWithoutAlert",
    "Corrupt",
    "Cut",
    "Delay",
    "Expect",
    "Fault",
    "FaultProxy",
    "Hang",
    "MailServer",
    "MailStore",
    "Mailbox",
    "Message",
    "NameServer",
    "Offer",
    "Relayed",
    "Repeat",
    "Reset",
    "ScriptedServer",
    "Send",
    "SendRaw",
    "SendSegments",
    "SendSlowly",
    "ServerCertificate",
    "Side",
    "Split",
    "Stall",
    "StartTLS",
    "Step",
    "SubmittedMessage",
    "Transcript",
    "Truncate",
    "mail_zone",
    "self_signed",
]
