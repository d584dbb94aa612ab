"""What a watch tells, as a person and a program see it. No I/O here."""

from __future__ import annotations

from typing import assert_never

from rich.text import Text

from securemail.cli.view import BAD, DOUBTFUL, GOOD
from securemail.policy.confidentiality import Confidentiality
from securemail.uids import UIDSet
from securemail.watching import (
    ConfidentialityChanged,
    Connected,
    Lost,
    MailboxChanged,
    MaildropChanged,
    UIDValidityChanged,
    WatchEvent,
)


def event_view(event: WatchEvent) -> Text:
    """Return it as a line."""
    match event:
        case Connected(_, proof, is_pushed):
            how = "the server tells at once" if is_pushed else "the server is asked now and then"
            sign = "✓" if proof.indicator.is_locked else "✗"
            style = GOOD if proof.indicator.is_locked else BAD
            return Text(f"{sign} connected, {proof.indicator.label}: {how}", style=style)
        case Lost(_, error, retry_s):
            return Text(f"✗ no connection: {error}; again in {retry_s:.0f} s", style=BAD)
        case MailboxChanged(_, new, expunged, flags):
            named = (("new", new), ("gone", expunged), ("other flags", flags))
            return Text("; ".join(f"{what}: {uids}" for what, uids in named if uids))
        case MaildropChanged(_, unique_ids):
            return Text(f"new: {', '.join(unique_ids)}")
        case UIDValidityChanged(cursor, before):
            return Text(
                f"! the server has numbered anew (UIDVALIDITY {before} is {cursor.uidvalidity}): "
                "list the mailbox",
                style=DOUBTFUL,
            )
        case ConfidentialityChanged(_, before, after):
            return Text(f"! the connection was {_said(before)}; it is {_said(after)}", DOUBTFUL)
    assert_never(event)


def event_data(event: WatchEvent) -> dict[str, object]:
    """Return it in values that JSON has; sets of UIDs as IMAP writes them."""
    name = type(event).__name__
    match event:
        case Connected(_, proof, is_pushed):
            return {"event": name, "level": proof.level.value, "pushed": is_pushed}
        case Lost(_, error, retry_s):
            kind = type(error).__name__
            return {"event": name, "error": kind, "message": str(error), "retry_s": retry_s}
        case MailboxChanged(cursor, new, expunged, flags):
            return {
                "event": name,
                "uidvalidity": cursor.uidvalidity,
                "new": _set(new),
                "expunged": _set(expunged),
                "flags": _set(flags),
            }
        case MaildropChanged(_, unique_ids):
            return {"event": name, "new": list(unique_ids)}
        case UIDValidityChanged(cursor, before):
            return {"event": name, "before": before, "uidvalidity": cursor.uidvalidity}
        case ConfidentialityChanged(_, before, after):
            return {"event": name, "before": _said(before), "after": _said(after)}
    assert_never(event)


def _set(uids: UIDSet) -> str | None:
    return str(uids) or None


def _said(proof: Confidentiality) -> str:
    version = proof.tls_version.value if proof.tls_version else "no TLS"
    return f"{proof.indicator.label} ({version}, {proof.trust.value})"
