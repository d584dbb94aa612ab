"""A server that repeats a secret behind the login: it shows nowhere there, either."""

from __future__ import annotations

from typing import Any, Final

import pytest

from securemail import Lost, SecureMailError, Service, TLSMode, watch
from securemail.secret import REDACTED
from securemail.testing import Await, CertificateAuthority, Close, Hang, ScriptedServer, Send, Step
from securemail.testing.attacks.certificates import good
from securemail.testing.attacks.dialects import DIALECTS, Dialect
from securemail.transports.commands import commands_of
from tests.secrecy import shown, told
from tests.session import scripts
from tests.session.life import MESSAGE, Life, listening
from tests.session.repeating import CREDENTIALS, LINE, REPEATED, exchange

# Each form is tried in tests/sasl/test_redactor.py.
WAYS: Final = [
    ("PLAIN", "plain"),
    ("CRAM-MD5", "quoted"),
    ("OAUTHBEARER", "a longer response"),
]
OK: Final = Send(b"250 2.1.0 Ok\r\n")
DATA: Final = (
    OK,
    Await(rb"RCPT .*"),
    OK,
    Await(b"DATA"),
    Send(b"354 go\r\n"),
    Await(rb"\.", ((rb".*", b""),)),
)

# What follows the first command behind the login, %s being the secret.
REPEATS: Final[dict[Service, dict[str, tuple[bytes | Step, ...]]]] = {
    Service.IMAP: {
        "no": (b"{tag} NO [ALERT] %s is wrong\r\n",),
        "bad": (b"{tag} BAD %s\r\n",),
        "bye": (b"* BYE [ALERT] %s is wrong\r\n", Close()),
        "an alert, and the end": (b"* OK [ALERT] %s is wrong\r\n", Close()),
        "nonsense": (b"%s\r\n",),
        "another tag": (b"%s OK done\r\n",),
        "a status that is none": (b"{tag} %s OK\r\n",),
        "an endless literal": (b"* %s {99999999999}\r\n",),
        "half a line": (b"* %s",),
    },
    Service.POP3: {
        "no": (b"-ERR [AUTH] %s is wrong\r\n",),
        "nonsense": (b"%s\r\n",),
        "no number": (b"+OK %s\r\n",),
        "another message": (b"+OK 1 2\r\n", Await(rb"LIST 1"), b"+OK 2 %s\r\n"),
        "no unique id": (b"+OK 1 2\r\n", Await(rb"LIST 1"), b"+OK 1 %s\r\n"),
        "a challenge": (b"+ %s\r\n",),
        "a farewell": (b"+OK 1 2\r\n-ERR %s\r\n",),
        "an answer too many": (b"+OK 1 2\r\n+OK %s\r\n",),
        "half a line": (b"+OK %s",),
    },
    Service.SUBMISSION: {
        "no": (b"550 5.7.1 %s is wrong\r\n", LINE),
        "no in two lines": (b"550-5.7.1 what?\r\n550 5.7.1 %s\r\n", LINE),
        "a long no": (b"550 5.7.1 " + b"x " * 150 + b"%s\r\n", LINE),
        "bye": (b"421 4.3.2 %s is wrong\r\n", Close()),
        "nonsense": (b"%s\r\n",),
        "no answer": (b"354 %s\r\n",),
        "an answer too many": (b"250 Ok\r\n250 %s\r\n",),
        "half a line": (b"250 %s",),
        "half an answer": (b"250-%s\r\n",),
        "a recipient": (OK, Await(rb"RCPT .*"), b"550 5.1.1 %s\r\n", Await(b"RSET"), OK),
        "more of an answer": (*DATA, b"354 %s\r\n"),
        "thanks": (*DATA, b"250 2.0.0 queued as %s\r\n"),
        "a no to the message": (*DATA, b"554 5.6.0 %s\r\n"),
    },
}
CASES: Final = [
    pytest.param(dialect, name, *way, id=f"{dialect.service.value}: {name}, {way[0]}")
    for dialect in DIALECTS
    for name in REPEATS[dialect.service]
    for way in (WAYS if name == "no" else WAYS[:1])
]


class UsedLife(Life):
    """One whose client does what brings a server's words into our errors and outcomes."""

    async def use(self, client: Any, service: Service) -> None:
        match service:
            case Service.IMAP:
                await commands_of(client).ask("NOOP")
            case Service.POP3:
                await client.stat()
                await client.list(1)
            case Service.SUBMISSION:
                self.texts.append(repr(await client.submit(MESSAGE)))


class LifeByHand(Life):
    """One whose client is used as those who know aiosmtplib do."""

    async def use(self, client: Any, service: Service) -> None:
        await client.mail("alice@example.org")


def script(dialect: Dialect, mechanism: str, name: str, words: bytes) -> tuple[Step, ...]:
    """Return the dialogue that repeats `words` behind the login."""
    steps = [
        Send(step.replace(b"%s", words)) if isinstance(step, bytes) else step
        for step in REPEATS[dialect.service][name]
    ]
    return (*exchange(dialect, mechanism), Send(dialect.welcome), LINE, *steps, Close())


async def lived(
    life: Life, dialect: Dialect, ca: CertificateAuthority, steps: tuple[Step, ...], mechanism: str
) -> SecureMailError | None:
    """Return how a life on such a server ended."""
    async with ScriptedServer(steps, context=good(ca)) as server:
        credentials, _ = CREDENTIALS[mechanism]
        mine = scripts.account(
            server, ca, TLSMode.IMPLICIT, dialect.service, credentials=credentials
        )
        return await life.live(mine, dialect.service)


@pytest.mark.parametrize(("dialect", "name", "mechanism", "form"), CASES)
async def test_a_secret_that_is_repeated_behind_the_login_shows_nowhere(
    dialect: Dialect, name: str, mechanism: str, form: str, ca: CertificateAuthority
) -> None:
    secret = CREDENTIALS[mechanism][1]
    repeated = REPEATED[form](secret).replace(b"\n", b"")
    with listening(UsedLife()) as life:
        steps = script(dialect, mechanism, name, repeated)
        error = await lived(life, dialect, ca, steps, mechanism)
    assert life.finds(secret) == []
    assert (error is None) == (name == "thanks")


@pytest.mark.parametrize("name", ["no", "no in two lines", "a long no", "bye", "nonsense"])
async def test_it_shows_in_none_of_aiosmtplibs_errors(name: str, ca: CertificateAuthority) -> None:
    dialect = next(each for each in DIALECTS if each.service is Service.SUBMISSION)
    secret = CREDENTIALS["PLAIN"][1]
    with listening(LifeByHand()) as life:
        await lived(life, dialect, ca, script(dialect, "PLAIN", name, secret.encode()), "PLAIN")
    assert any("SMTP" in str(text) for text in life.texts)
    assert life.finds(secret) == []


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (Service.IMAP, f"NOOP was refused: '[ALERT] {REDACTED} is wrong'"),
        (Service.POP3, f"STAT was refused: '[AUTH] {REDACTED} is wrong'"),
        (Service.SUBMISSION, f"MAIL was refused: 550 5.7.1 {REDACTED} is wrong"),
    ],
)
async def test_the_other_words_are_told(
    service: Service, words: str, ca: CertificateAuthority
) -> None:
    dialect = next(each for each in DIALECTS if each.service is service)
    with listening(UsedLife()) as life:
        steps = script(dialect, "PLAIN", "no", CREDENTIALS["PLAIN"][1].encode())
        error = await lived(life, dialect, ca, steps, "PLAIN")
    assert words in str(error)


OPENED: Final = (
    (
        rb"\S+ EXAMINE .*",
        b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 1] x\r\n{tag} OK open\r\n",
    ),
    (rb"\S+ UID SEARCH .*", b"* SEARCH\r\n{tag} OK none\r\n"),
)


@pytest.mark.parametrize(
    "push", [b"* BYE %s is wrong\r\n", b"* VANISHED %s\r\n", b"* 1 EXISTS %s\r\n", b"%s\r\n"]
)
async def test_it_shows_in_nothing_that_a_watch_tells(
    push: bytes, ca: CertificateAuthority
) -> None:
    credentials, secret = CREDENTIALS["PLAIN"]
    dialect = next(each for each in DIALECTS if each.service is Service.IMAP)
    steps = (
        *exchange(dialect, "PLAIN"),
        Send(dialect.welcome),
        Await(rb"\S+ IDLE", OPENED),
        Send(b"+ idling\r\n" + push.replace(b"%s", secret.encode())),
        Hang(),
    )
    with listening() as life:
        async with ScriptedServer(steps, context=good(ca)) as server:
            mine = scripts.account(server, ca, TLSMode.IMPLICIT, credentials=credentials)
            async with watch(mine, observer=life.ear) as watched:
                async for event in watched:
                    life.texts += [repr(event), str(event)]
                    if isinstance(event, Lost):
                        life.texts += told(event.error)
                        break
            life.texts += shown(watched)
    assert any("Lost" in str(text) for text in life.texts)
    assert life.finds(secret) == []
