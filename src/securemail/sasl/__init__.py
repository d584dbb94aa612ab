"""SASL mechanisms for programs of any protocol (RFC 4422). No I/O here.

Make a mechanism, send what `start()` returns, answer each challenge with `respond()`, and ask
`check_success()` before believing the server. `choose()` says which ones an account may use, best
first, and `why_not()` which of them remain after a refusal.
"""

from securemail.sasl.apop import Apop
from securemail.sasl.choose import Choice, Offer, choose
from securemail.sasl.cram import CramMD5
from securemail.sasl.external import External
from securemail.sasl.fallback import Refusal, why_not
from securemail.sasl.login import Login
from securemail.sasl.mechanism import Denial, Mechanism, Verdict
from securemail.sasl.oauth import OAuthBearer, XOAuth2
from securemail.sasl.plain import Plain
from securemail.sasl.redact import redact
from securemail.sasl.redactor import Redactor
from securemail.sasl.scram import GS2Header, Scram
from securemail.sasl.ways import LoginCommand, TokenWay, Way

__all__ = [
    "Apop",
    "Choice",
    "CramMD5",
    "Denial",
    "External",
    "GS2Header",
    "Login",
    "LoginCommand",
    "Mechanism",
    "OAuthBearer",
    "Offer",
    "Plain",
    "Redactor",
    "Refusal",
    "Scram",
    "TokenWay",
    "Verdict",
    "Way",
    "XOAuth2",
    "choose",
    "redact",
    "why_not",
]
