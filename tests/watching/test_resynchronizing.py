"""A server with QRESYNC that says less than it should (RFC 7162)."""

from __future__ import annotations

from securemail.testing import CertificateAuthority, Expect, Hang, ScriptedServer, Send, StartTLS
from securemail.uids import UIDSet
from securemail.watching import Cursor, MailboxChanged
from tests.session.scripts import HOST
from tests.watching.test_bad_luck import scripted
from tests.watching.worlds import until, watching

READY = (
    StartTLS(),
    Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n"),
    Expect(rb"\w+ AUTHENTICATE PLAIN \S+"),
    Send(b"{tag} OK [CAPABILITY IMAP4rev1 IDLE ENABLE CONDSTORE QRESYNC] welcome\r\n"),
    Expect(rb"\w+ ENABLE QRESYNC"),
    Send(b"* ENABLED QRESYNC\r\n{tag} OK x\r\n"),
)
OPENED = b"* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 6] x\r\n* OK [HIGHESTMODSEQ 9] x\r\n"


async def test_a_change_without_a_uid_may_be_of_a_new_message_and_is_searched(
    ca: CertificateAuthority,
) -> None:
    script = (
        *READY,
        Expect(rb'\w+ EXAMINE "INBOX" \(QRESYNC \(7 5\)\)'),
        # The message may be new, and the next look begins behind MODSEQ 9.
        Send(b"* 3 EXISTS\r\n%b* VANISHED (EARLIER) 2\r\n" % OPENED),
        Send(b"* 3 FETCH (MODSEQ (9) FLAGS ())\r\n{tag} OK x\r\n"),
        Expect(rb"\w+ UID SEARCH ALL"),
        Send(b"* SEARCH 1 3 5\r\n{tag} OK x\r\n"),
        Hang(),
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with watching(scripted(server, ca), since=Cursor(7, 5, 5)) as events:
            change = await until(events, MailboxChanged)
        assert server.problem is None
    assert change.new == UIDSet.of([5])
    assert change.expunged == UIDSet.of([2])
    assert change.cursor == Cursor(7, 6, 9, UIDSet.of([1, 3, 5]))
