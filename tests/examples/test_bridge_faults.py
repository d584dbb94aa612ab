"""What goes wrong around the bridge: it waits, tells the person or stops, and never guesses."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.examples.person import BridgeProcess, bridge, person
from tests.examples.relay import relay
from tests.examples.test_bridge import ask, mail, mails_of_bob, subjects
from tests.servers.dovecot import DovecotWorld
from tests.servers.postfix import PostfixWorld
from tests.servers.process import eventually
from tests.servers.prosody import ProsodyWorld

Victim = BridgeProcess | ProsodyWorld | PostfixWorld | DovecotWorld

pytestmark = [pytest.mark.dovecot, pytest.mark.postfix, pytest.mark.prosody]

UNKNOWN = "It is not known whether your last answer was sent."
# Larger than all that the client says before the message itself.
LONG = "Long. " * 4000


async def started(running: BridgeProcess) -> None:
    running.start()
    await asyncio.to_thread(running.wait_until_it_watches)


def count(found: list[tuple[str, str]], words: str) -> int:
    return sum(words in body for _, body in found)


@pytest.mark.parametrize("victim", ["the bridge", pytest.param("the line", marks=pytest.mark.full)])
async def test_an_answer_that_was_accepted_unheard_is_known_by_its_copy_and_not_sent_again(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path, victim: str
) -> None:
    async with relay((own_postfix.address, own_postfix.submissions_port)) as line:
        line.mute_after = len(LONG) // 2
        with bridge(tmp_path, own_postfix, own_prosody, submission=line.port) as running:
            await started(running)
            async with person(own_prosody) as alice:
                own_postfix.dovecot.deliver("alice", mail(1))
                alice.answer(await ask(alice, 1), LONG)
                await mails_of_bob(own_postfix, 1)
                if victim == "the bridge":
                    await asyncio.to_thread(running.kill)
                line.cut()
                if victim == "the bridge":
                    await started(running)
                own_postfix.dovecot.deliver("alice", mail(2))
                alice.answer(await ask(alice, 2), "short")
                answers = await mails_of_bob(own_postfix, 2)
                shown = await alice.until(lambda seen: subjects(seen)["Re: letter 2"] == 1)
    assert Counter(each["Subject"] for each in answers) == {"Re: letter 1": 1, "Re: letter 2": 1}
    assert subjects(shown)["Re: letter 1"] == 1
    assert count(shown, UNKNOWN) == 0


@pytest.mark.full
async def test_an_answer_whose_end_nobody_saw_is_told_once_and_not_sent_again(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    def is_taken() -> bool:
        return "sasl_username=alice" in own_postfix.log()

    with bridge(tmp_path, own_postfix, own_prosody, address="slow@example.test") as running:
        await started(running)
        async with person(own_prosody) as alice:
            own_postfix.dovecot.deliver("alice", mail(1))
            alice.answer(await ask(alice, 1), "lost?")
            await asyncio.to_thread(eventually, is_taken, timeout_s=20)
            await asyncio.to_thread(running.kill)
            for _ in range(2):
                await started(running)
                await alice.until(lambda seen: count(seen, UNKNOWN) > 0)
                await asyncio.to_thread(running.kill)
            await started(running)
            own_postfix.dovecot.deliver("alice", mail(2))
            await ask(alice, 2)
            shown = await alice.archive()
    assert count(shown, UNKNOWN) == 1
    assert own_postfix.log().count("sasl_username=alice") == 1
    assert await mails_of_bob(own_postfix, 0) == []


@pytest.mark.full
async def test_an_answer_that_is_refused_for_now_is_tried_again_and_told_once(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    with bridge(tmp_path, own_postfix, own_prosody, address="later@example.test") as running:
        await started(running)
        async with person(own_prosody) as alice:
            own_postfix.dovecot.deliver("alice", mail(1))
            alice.answer(await ask(alice, 1), "later")
            log = own_postfix.log
            again = lambda: log().count("451 4.3.0") >= 2  # noqa: E731 - a name beside others of its kind
            await asyncio.to_thread(eventually, again, timeout_s=20)
            shown = await alice.until(lambda seen: count(seen, "Not yet sent to bob@") > 0)
    assert count(shown, "Not yet sent to bob@example.test, tried again") == 1


async def test_a_password_that_the_chat_refuses_ends_the_bridge_with_a_sentence(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    with bridge(tmp_path, own_postfix, own_prosody) as running:
        running.start(chat_password="wrong")
        code, said = await asyncio.to_thread(running.wait_until_it_ends)
    assert code == 1
    assert said == "chat: bridge@chat.example.test cannot log in: not-authorized", running.log()
    assert "Traceback" not in running.log()


@pytest.mark.full
async def test_a_chat_server_that_nobody_vouches_for_ends_the_bridge_with_a_sentence(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    with bridge(tmp_path, own_postfix, own_prosody) as running:
        (tmp_path / "ca.pem").write_bytes(own_postfix.dovecot.ca_pem)
        running.start()
        code, said = await asyncio.to_thread(running.wait_until_it_ends)
    assert code == 1
    assert said.startswith("chat: the certificate of chat.example.test: ")


@pytest.mark.full
async def test_a_mailbox_that_was_made_anew_is_told_and_goes_on(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    dovecot = own_postfix.dovecot
    with bridge(tmp_path, own_postfix, own_prosody) as running:
        await started(running)
        async with person(own_prosody) as alice:
            dovecot.deliver("alice", mail(1))
            await ask(alice, 1)
            dovecot.kill()
            maildir = dovecot.directory / "mail" / "alice" / "Maildir"
            uidlist = maildir / "dovecot-uidlist"
            uidlist.write_text("3 V77 N9 Gfeedfeedfeedfeedfeedfeedfeedfeed\n")
            for cache in maildir.glob("dovecot.index*"):
                cache.unlink()
            await asyncio.to_thread(dovecot.start)
            await alice.until(lambda seen: count(seen, "was made anew") == 1)
            dovecot.deliver("alice", mail(2))
            await ask(alice, 2)
            shown = await alice.archive()
    assert count(shown, "was made anew") == 1
    assert subjects(shown)["letter 1"] == 1


@pytest.mark.full
async def test_more_answers_than_a_page_of_the_archive_are_all_read_once(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path
) -> None:
    with bridge(tmp_path, own_postfix, own_prosody) as running:
        await started(running)
        async with person(own_prosody) as alice:
            own_postfix.dovecot.deliver("alice", mail(1))
            ident = await ask(alice, 1)
            await asyncio.to_thread(running.kill)
            for number in range(110):
                alice.answer("mail-1-999", f"to nobody {number}")
            alice.answer(ident, "to bob")
            # What the server has answered to comes after what it has taken.
            await alice.archive()
            await started(running)
            answers = await mails_of_bob(own_postfix, 1)
            shown = await alice.until(lambda seen: count(seen, "Not sent: ") >= 110)
    assert count(shown, "Not sent: ") == 110
    assert [each["Subject"] for each in answers] == ["Re: letter 1"]


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(3))
async def test_kills_at_any_moment_lose_nothing_and_double_nothing(
    own_postfix: PostfixWorld, own_prosody: ProsodyWorld, tmp_path: Path, seed: int
) -> None:
    dice, rounds = random.Random(seed), 6
    with bridge(tmp_path, own_postfix, own_prosody) as running:
        await started(running)
        for number in range(rounds):
            own_postfix.dovecot.deliver("alice", mail(number))
            async with person(own_prosody) as alice:
                alice.answer(await ask(alice, number), f"answer {number}")
                # The server has it when it answers to what comes after it.
                await alice.archive()
            victims: list[Victim] = [running, own_prosody, own_postfix, own_postfix.dovecot]
            victim = dice.choice(victims)
            # Not to wait for anything: the kill is to come at any moment of what goes on.
            await asyncio.sleep(dice.random())
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)
        async with person(own_prosody) as alice:
            # More than one for each, where a copy comes behind the word that it may not have gone.
            shown = await alice.until(
                lambda seen: (
                    len({*subjects(seen)} & {f"Re: letter {n}" for n in range(rounds)})
                    + count(seen, UNKNOWN)
                    >= rounds
                )
            )
    unknown = count(shown, UNKNOWN)
    answers = Counter(each["Subject"] for each in await mails_of_bob(own_postfix, 0))
    assert [subjects(shown)[f"letter {number}"] for number in range(rounds)] == [1] * rounds
    assert set(answers.values()) <= {1}
    assert len(answers) >= rounds - unknown
