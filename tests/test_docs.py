"""What the documents show runs as it stands, and what they point at is there."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from securemail.testing import MailServer
from tests.cli.processes import at_terminal
from tests.test_rfc_coverage import exists

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
]
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^ *(?:```|~~~)(.*)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def blocks() -> list[tuple[str, str]]:
    return [
        (f"{page.name}-{number}", code)
        for page in PAGES
        if page.name != "README.md"
        for number, code in enumerate(CODE.findall(page.read_text()), 1)
    ]


def run(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in blocks()])
def test_a_program_in_the_documents_runs_as_it_stands(code: str) -> None:
    run("-c", textwrap.dedent(code))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_of_code_in_the_documents_is_left_out(page: Path) -> None:
    # A diagram in letters has no language. Whatever has one is run, as a whole block of Python.
    opened = [language for language in FENCE.findall(page.read_text())[::2] if language]
    assert opened == ["python"] * len(CODE.findall(page.read_text()))


def test_every_page_is_in_the_navigation() -> None:
    shown = (ROOT / "mkdocs.yml").read_text()
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")]
    assert [
        page for page in pages if not re.search(rf"[ ]{re.escape(page)}$", shown, re.MULTILINE)
    ] == []


def test_every_target_of_make_is_in_the_guide_for_contributors() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    assert [target for target in targets if f"`make {target}`" not in guide] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_of_ours_leads_somewhere(page: Path) -> None:
    dead = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"tests/[\w/]+\.py::\w+", page.read_text())
    assert [name for name in named if not exists(name, ROOT)] == []


def test_the_readme_shows_the_example_that_is_tested() -> None:
    shown = CODE.findall((ROOT / "README.md").read_text())
    assert shown == [(ROOT / "examples" / "read_mail.py").read_text()]


async def test_the_example_prints_the_subjects_of_unread_mail(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    async with MailServer({"alice@example.org": "secret"}, host_name="localhost") as server:
        server.store.deliver("alice@example.org", b"Subject: hello\r\n\r\nHello.\r\n")
        authority.write_bytes(server.ca.pem)
        printed = await asyncio.to_thread(
            run,
            str(ROOT / "examples" / "read_mail.py"),
            "alice@example.org",
            f"localhost:{server.port()}",
            MAIL_PASSWORD="secret",
            SSL_CERT_FILE=str(authority),
        )
    assert "leads to the server that it should" in printed
    assert "Subject: hello" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["alice@example.org", "localhost:abc"], "'abc' is not the number of a port"),
        (["alice@example.org", "localhost:²"], "'²' is not the number of a port"),
        (["alice@example.org", "localhost:99999"], "Endpoint.port"),
        (["alice@example.org", ":993"], "Endpoint.host"),
        (["alice", "localhost"], "Account.address"),
        (["alice@example.org"], "Print the subjects"),
        ([], "Print the subjects"),
    ],
)
def test_the_example_says_what_is_wrong_with_its_arguments(
    arguments: list[str], words: str
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "read_mail.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "MAIL_PASSWORD": "secret"},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_says_that_it_has_no_password_and_no_terminal_to_ask_on() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "read_mail.py", "alice@example.org", "localhost"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "MAIL_PASSWORD"},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("no password: set MAIL_PASSWORD")
    assert done.stderr.count("\n") == 1


def test_ctrl_c_ends_the_example_while_it_asks_for_the_password() -> None:
    example = (sys.executable, str(ROOT / "examples" / "read_mail.py"))
    without = {name: value for name, value in os.environ.items() if name != "MAIL_PASSWORD"}
    with at_terminal("alice@example.org", "localhost", command=example, **without) as person:
        person.read_until("Password: ")
        person.press(b"\x03")
        assert "Traceback" not in person.rest()
        assert person.exit_code() == 130


def test_the_demo_goes_from_an_address_to_a_kept_account_and_mail_and_refuses_an_attack() -> None:
    printed = run("-m", "securemail.demo")
    assert printed.count("what names it is signed (DNSSEC)") == 6
    assert printed.count("the login worked by SCRAM-SHA-256") == 3
    assert printed.count("trust DANE-EE") == 3
    assert printed.count("private: The connection is encrypted") == 4
    assert "alice@example.org is in a file of mode 600" in printed
    assert "the message was accepted" in printed
    assert printed.count("Subject: Nobody else has read this") == 3
    assert printed.count("logged in by SCRAM-SHA-256") == 3
    assert "logged in by EXTERNAL" in printed
    assert "refused: STARTTLS was refused" in printed
    assert re.search(r"all that the attacker has seen: b'[0-9A-F]{8}1 STARTTLS\\r\\n'", printed)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--help"], 0, "Go from an address to an account"),
        (["--faster"], 2, "unrecognized arguments: --faster"),
        (["alice@example.org"], 2, "unrecognized arguments: alice@example.org"),
    ],
)
def test_the_demo_has_one_line_about_itself_and_ignores_no_argument(
    arguments: list[str], code: int, words: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "securemail.demo", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    assert words in done.stdout + done.stderr


def test_the_demo_ends_without_a_traceback_when_nobody_reads_it_or_it_is_interrupted() -> None:
    command = (sys.executable, "-u", "-m", "securemail.demo")
    for is_read, code in ((False, 141), (True, 130)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
            assert demo.stdout
            assert demo.stderr
            demo.stdout.readline()
            if is_read:
                demo.send_signal(signal.SIGINT)
            else:
                demo.stdout.close()
            assert b"Traceback" not in demo.stderr.read()
        assert demo.returncode == code
