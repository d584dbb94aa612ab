"""Scripts of servers with NOTIFY (RFC 5465), and who watches two mailboxes on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from securemail import Timeouts
from securemail.reconnect import Backoff
from securemail.testing import CertificateAuthority, Expect, ScriptedServer, Send, StartTLS, Step
from securemail.watching import Cursor, Lost, MailboxChanged, Rhythm, Watch, watch_all
from tests.session.scripts import HOST, PLAIN, TLS_GREETING
from tests.watching.test_bad_luck import scripted
from tests.watching.test_watch_all import LIMIT_S

SINCE = {"INBOX": Cursor(7, 2, 5), "Lists": Cursor(8, 1, 1)}
RHYTHM = Rhythm(idle=60.0, poll=0.01, backoff=Backoff(base=0.001, ceiling=0.01))
OFFERS = b"IMAP4rev1 IDLE NOTIFY UNSELECT ENABLE CONDSTORE QRESYNC"
INBOX = b"* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 HIGHESTMODSEQ 5)\r\n"
LISTS = b"* STATUS Lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 8 HIGHESTMODSEQ 1)\r\n"
LISTS_2 = b"* STATUS Lists (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 8 HIGHESTMODSEQ 2)\r\n"
LISTS_3 = b"* STATUS Lists (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 8 HIGHESTMODSEQ 3)\r\n"
OK = b"{tag} OK x\r\n"

LOGIN = (
    StartTLS(),
    TLS_GREETING,
    PLAIN,
    Send(b"{tag} OK [CAPABILITY %b] welcome\r\n" % OFFERS),
    Expect(rb"\w+ ENABLE QRESYNC"),
    Send(b"* ENABLED QRESYNC\r\n" + OK),
)
NOTIFY = Expect(
    rb'\w+ NOTIFY SET STATUS \(mailboxes \("INBOX" "Lists"\)'
    rb" \(MessageNew MessageExpunge FlagChange\)\)"
)
ROLL = (NOTIFY, Send(INBOX + LISTS + OK))
IDLE = (Expect(rb"\w+ IDLE"), Send(b"+ idling\r\n"))
DONE = (Expect(b"DONE"), Send(OK))
END = (Expect(rb"\w+ LOGOUT"), Send(b"* BYE x\r\n" + OK))


def counted(name: bytes, answer: bytes) -> tuple[Step, ...]:
    items = rb"\(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ\)"
    return (Expect(rb'\w+ STATUS "%b" %b' % (name, items)), Send(answer + OK))


def opened(modseq: int, answer: bytes, *, name: bytes = b"Lists") -> tuple[Step, ...]:
    """Return a look at a mailbox with QRESYNC, and its end."""
    wanted = rb'\w+ EXAMINE "%b" \(QRESYNC \(\d %d\)\)' % (name, modseq)
    return (Expect(wanted), Send(answer + OK), Expect(rb"\w+ UNSELECT"), Send(OK))


def news(uid: int, *, uidvalidity: int = 8, modseq: int = 0) -> bytes:
    """Return what EXAMINE says of a mailbox with one new message; its MODSEQ is one more."""
    codes = (uid, uidvalidity, uid + 1, modseq or uid + 1)
    text = b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] x\r\n* OK [UIDNEXT %d] x\r\n"
    text += b"* OK [HIGHESTMODSEQ %d] x\r\n"
    return text % codes + b"* %d FETCH (UID %d FLAGS () MODSEQ (%d))\r\n" % (uid, uid, codes[3])


@asynccontextmanager
async def facing(
    *steps: Step | tuple[Step, ...],
    ca: CertificateAuthority,
    rhythm: Rhythm = RHYTHM,
    is_whole: bool = True,
) -> AsyncIterator[Watch[Any, Any]]:
    """Watch the two mailboxes on a server that follows a script, and see that it did."""
    script: list[Step] = [*LOGIN]
    for step in steps:
        script += step if isinstance(step, tuple) else (step,)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = scripted(server, ca)
        timeouts = Timeouts(command=20.0)
        async with watch_all(
            mine, list(SINCE), since=SINCE, rhythm=rhythm, timeouts=timeouts
        ) as events:
            yield events
        assert not is_whole or server.problem is None


async def changed(events: Watch[Any, Any]) -> tuple[str, MailboxChanged]:
    """Return the next change; a server that was asked anything else has closed the line."""
    async with asyncio.timeout(LIMIT_S):
        async for mailbox, event in events:
            assert not isinstance(event, Lost), event.error
            if isinstance(event, MailboxChanged):
                return mailbox, event
    raise AssertionError("the watch ended")
