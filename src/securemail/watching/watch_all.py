"""Several mailboxes of one account, watched over one connection (RFC 5465)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from securemail import limits
from securemail.account import Account, Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.aio.route import endpoint_of
from securemail.errors import UsageError
from securemail.events import Observer
from securemail.throttle import Throttle
from securemail.watching.cursor import Cursor
from securemail.watching.several import Cursors, MailboxEvent, SeveralSource
from securemail.watching.watch import Means, Rhythm, Watch
from securemail.wire.status import same_name


def watch_all(
    account: Account,
    mailboxes: Sequence[str],
    *,
    since: Mapping[str, Cursor] | None = None,
    rhythm: Rhythm | None = None,
    timeouts: Timeouts | None = None,
    resolver: Resolver | None = None,
    throttle: Throttle | None = None,
    observer: Observer | None = None,
) -> Watch[Cursors, MailboxEvent]:
    """Return an iterator over what happens in several IMAP mailboxes, on one connection.

        async with watch_all(account, ["INBOX", "Archive"], since=stored) as events:
            async for mailbox, event in events:
                match event:
                    case MailboxChanged(cursor, new):
                        ...

    Each mailbox has the events that `watch()` would tell, and a cursor of its own; one that `since`
    has no cursor for begins now. With NOTIFY and IDLE the server tells at once that something has
    changed; otherwise, and for mailboxes of which it does not speak, it is asked every
    `Rhythm.poll` seconds: `Connected.is_pushed` says which. Flags that change are told only where
    the server has CONDSTORE.

    Raises: UsageError for no mailboxes, more than `limits.WATCHED_MAILBOXES`, one that is there
    twice, and a cursor for one that is not there. The iteration raises what that of `watch()`
    raises; a CommandError names its `mailbox`.
    """
    endpoint_of(account, Service.IMAP)
    _check(mailboxes, since or {})
    rhythm = rhythm or Rhythm()
    timeouts = timeouts or Timeouts()
    means = Means(timeouts, resolver or Resolver.system(), throttle, rhythm.backoff, observer)
    source = SeveralSource(
        mailboxes, idle_s=rhythm.idle, poll_s=rhythm.poll, timeout_s=timeouts.command
    )
    return Watch(account, Service.IMAP, source, dict(since) if since else None, means)


def _check(mailboxes: Sequence[str], since: Mapping[str, Cursor]) -> None:
    if isinstance(mailboxes, str) or not mailboxes:
        raise UsageError("not a sequence of names", field="mailboxes")
    if len(mailboxes) > (limit := limits.WATCHED_MAILBOXES):
        raise UsageError(f"{len(mailboxes)} are more than {limit}", field="mailboxes")
    if len({same_name(name) for name in mailboxes}) < len(mailboxes):
        raise UsageError("one of them is there twice", field="mailboxes")
    # Another spelling would be a mailbox that begins now, and whose messages are missed.
    if unknown := sorted(set(since) - set(mailboxes)):
        raise UsageError(f"{unknown[0]!r} is not one of the mailboxes", field="since")
    if not all(isinstance(cursor, Cursor) for cursor in since.values()):
        raise UsageError("not the cursors of IMAP mailboxes", field="since")
