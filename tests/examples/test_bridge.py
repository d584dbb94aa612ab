"""The bridge between real servers that are killed, and killed itself: nothing lost or doubled."""

from __future__ import annotations

import asyncio
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from securemail import Account, Endpoint, Password, TLSMode, TrustStore, connect_imap
from tests.examples.person import LIMIT_S, BridgeProcess, Person, bridge, person
from tests.servers.dovecot import DovecotWorld
from tests.servers.postfix import PostfixWorld
from tests.servers.prosody import ProsodyWorld

pytestmark = [pytest.mark.dovecot, pytest.mark.postfix, pytest.mark.prosody]


def mail(number: int) -> bytes:
    return (
        f"From: Bob <bob@example.test>\r\nTo: alice@example.test\r\nSubject: letter {number}\r\n"
        f"Message-ID: <{number}@example.test>\r\nReferences: <0@example.test>\r\n\r\n"
        f"Text {number}.\r\n"
    ).encode()


async def mails_of_bob(world: PostfixWorld, count: int) -> list[EmailMessage]:
    """Wait until bob has `count` mails, and return all that he has."""
    dovecot = world.dovecot
    bob = Account(
        "bob@example.test",
        imap=Endpoint(
            dovecot.host, dovecot.imaps_port, TLSMode.IMPLICIT, addresses=[dovecot.address]
        ),
        credentials=Password("bob", dovecot.passwords["bob"]),
        trust=TrustStore.from_pem(dovecot.ca_pem),
    )
    async with connect_imap(bob) as session, asyncio.timeout(LIMIT_S):
        client = session.client
        await client.select("INBOX")
        while len(found := (await client.search("ALL")).lines[0].split()) < count:
            idle = await client.idle_start()
            await client.wait_server_push()
            client.idle_done()
            await idle
        answers = [await client.fetch(each.decode(), "(BODY.PEEK[])") for each in found]
    raws = [bytes(line) for each in answers for line in each.lines if isinstance(line, bytearray)]
    parsed = [message_from_bytes(raw, policy=policy.default) for raw in raws]
    return [each for each in parsed if isinstance(each, EmailMessage)]


def subjects(found: list[tuple[str, str]]) -> Counter[str]:
    return Counter(body.partition(": ")[2].partition("\n")[0] for _, body in found)


async def ask(alice: Person, number: int) -> str:
    """Wait for a mail, and return the id of its chat message."""
    name = f"letter {number}"
    found = await alice.until(lambda seen: name in subjects(seen))
    return next(ident for ident, body in found if f": {name}\n" in body)


async def test_a_mail_becomes_a_chat_message_and_its_answer_a_mail_in_reply(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    with bridge(tmp_path, own_postfix, own_prosody) as running:
        running.start()
        await asyncio.to_thread(running.wait_until_it_watches)
        async with person(own_prosody) as alice:
            own_postfix.dovecot.deliver("alice", mail(1))
            alice.answer(await ask(alice, 1), "Hello Bob.\nGrüße")
            (answer,) = await mails_of_bob(own_postfix, 1)
            alice.answer("mail-1-999", "to nobody")
            await alice.until(lambda seen: any("Not sent" in body for _, body in seen))
            # The copy to ourselves is shown, and is how alice knows that it went out.
            await alice.until(lambda seen: subjects(seen)["Re: letter 1"] == 1)
    assert answer["Subject"] == "Re: letter 1"
    assert answer["In-Reply-To"] == "<1@example.test>"
    assert answer["References"] == "<0@example.test> <1@example.test>"
    assert answer["From"] == "alice@example.test"
    assert answer.get_content().splitlines() == ["Hello Bob.", "Grüße"]


async def test_whatever_is_killed_nothing_is_lost_and_nothing_comes_twice(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    dovecot = own_postfix.dovecot
    with bridge(tmp_path, own_postfix, own_prosody) as running:
        running.start()
        await asyncio.to_thread(running.wait_until_it_watches)
        victims: list[BridgeProcess | ProsodyWorld | DovecotWorld]
        victims = [running, own_prosody, dovecot]
        for number, victim in enumerate(victims):
            first, second = 2 * number, 2 * number + 1
            dovecot.deliver("alice", mail(first))
            if victim is dovecot:
                async with person(own_prosody) as alice:
                    ident = await ask(alice, first)
                    dovecot.kill()
                    alice.answer(ident, f"answer {first}")
            else:
                await asyncio.to_thread(victim.kill)
            dovecot.deliver("alice", mail(second))
            await asyncio.to_thread(victim.start)
            async with person(own_prosody) as alice:
                if victim is not dovecot:
                    alice.answer(await ask(alice, first), f"answer {first}")
                alice.answer(await ask(alice, second), f"answer {second}")
        answers = await mails_of_bob(own_postfix, 6)
        async with person(own_prosody) as alice:
            names = [f"letter {number}" for number in range(6)]
            wanted = Counter([*names, *(f"Re: {name}" for name in names)])
            shown = await alice.until(lambda seen: subjects(seen).total() >= wanted.total())
    assert subjects(shown) == wanted
    assert Counter(each["Subject"] for each in answers) == Counter(f"Re: {name}" for name in names)
