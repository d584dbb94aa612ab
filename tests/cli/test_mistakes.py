"""What a person gets wrong is one clear sentence, with what they wrote and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from securemail.cli.codes import Exit
from tests.cli.conftest import Run, World
from tests.cli.processes import start

Added = Callable[[str], None]
EXPLAIN = ("explain", "localhost:993")
ADD = ("account", "add", "a@example.org")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("check", ""), "Endpoint.host: a host name is needed."),
        (("check", "@"), "'@' is not a mail address."),
        (("check", "a@b c"), "'b c' is not a host name."),
        (("check", "127.0.0.1:99999"), "ADDRESS|HOST[:PORT]: '99999' is not the number of a port."),
        (("check", "[/x]:993"), "'/x'"),
        (("check", "host:1"), "port 1 does not say what speaks there: add --service and --tls."),
        (("explain", "h:1"), "HOST:PORT: port 1 does not say what speaks there"),
        (("explain", "h:0"), "HOST:PORT: '0' is not the number of a port."),
        (("explain", "h"), "HOST:PORT: add a port, or --service and --tls."),
        ((*ADD, "--imap", "h:1"), "--imap: port 1 does not say what speaks there: add --tls."),
        ((*ADD, "--pop3", "h:x"), "--pop3: 'x' is not the number of a port."),
        ((*ADD, "--submission", "h:1"), "--submission: port 1 does not say"),
        (
            (*EXPLAIN, "--ca", "/nowhere"),
            "--ca: cannot read '/nowhere': No such file",
        ),
        ((*EXPLAIN, "--ca", __file__), "--ca: no certificate in PEM is in it, or a damaged one."),
        ((*EXPLAIN, "--dns", "127.0.0.1:99999"), "--dns: '127.0.0.1:99999' is neither IP nor"),
        ((*EXPLAIN, "--dns", "dns.example:53"), "--dns: 'dns.example:53' is neither IP nor"),
        (
            (*EXPLAIN, "--dns", "127.0.0.1", "--dns-anchor", "/nowhere"),
            "--dns-anchor: cannot read /nowhere: No such file or directory.",
        ),
        (
            (*EXPLAIN, "--dns", "127.0.0.1", "--dns-anchor", __file__),
            "--dns-anchor: not a list of DS and DNSKEY records",
        ),
        (("account", "add"), "ADDRESS: give either that or --from FILE."),
        (("account", "export"), "--store: there are no accounts in"),
        (("check", "a@b@example.org"), "'a@b@example.org' is not a mail address."),
        ((*EXPLAIN, "--timeout", "inf"), "--timeout: inf is not a positive number of seconds."),
        (("account", "add", "--from", __file__), "--from: no JSON: "),
    ],
)
def test_a_mistake_is_named_as_it_was_written(
    run: Run, command: tuple[str, ...], said: str
) -> None:
    done = run(*command)
    assert done.exit_code == Exit.USAGE
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_the_name_of_a_file_is_said_as_it_is(run: Run) -> None:
    done = run("send", "message.eml")
    assert done.exit_code == Exit.LOCAL
    assert done.stderr.startswith("message.eml: No such file or directory.\n")


def test_a_host_that_does_not_exist_is_said_once_and_without_an_empty_table(
    run: Run, world: World
) -> None:
    done = run("check", "nowhere.example.org", *world.dns)
    assert done.exit_code == Exit.UNREACHABLE
    assert done.stdout == ""
    assert done.stderr.count("cannot look up") == 1
    assert "No server answers." in done.stderr


def test_a_list_without_accounts_is_a_sentence_and_no_empty_table(run: Run) -> None:
    done = run("account", "list")
    assert (done.exit_code, done.stdout) == (Exit.OK, "")
    assert "securemail account add ADDRESS" in done.stderr


def test_an_empty_variable_is_no_password(run: Run, added: Added, world: World) -> None:
    added("carol")
    done = run("account", "test", "1", SECUREMAIL_PASSWORD="")
    assert done.exit_code == Exit.USAGE
    assert "set SECUREMAIL_PASSWORD: nobody can be asked" in done.stderr


def test_a_dash_is_standard_output(
    run: Run, added: Added, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    added("carol")
    assert run("account", "export", "-").stdout == run("account", "export").stdout != ""
    assert not (tmp_path / "-").exists()


def test_where_nothing_is_advertised_an_account_is_not_said_to_be_as_advertised(
    run: Run, world: World
) -> None:
    where = ("--imap", "imap.example.net", "--untested", *world.dns)
    done = run("account", "add", "a@nowhere.example.org", *where, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.OK, done.output
    upgraded = run("account", "upgrade", "1", *world.dns)
    assert upgraded.exit_code == Exit.OK, upgraded.output
    assert "Nothing better is advertised" in upgraded.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "--json"), "Missing argument"),
        (("account", "add", "--json", "--nope"), "No such option"),
        (("fetch", "1", "there", "--json", "--timeout", "soon"), "Invalid value for '--timeout'"),
        (("account", "show", "7", "--json"), "ACCOUNT: there is no '7'"),
    ],
)
def test_a_program_hears_in_json_of_every_mistake(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    done = run(*arguments)
    said = json.loads(done.stdout)
    assert done.exit_code == Exit.USAGE
    assert (said["error"], words in said["message"]) == ("UsageError", True)
    assert words in done.stderr


def test_a_command_without_json_writes_none(run: Run) -> None:
    done = run("account", "export", "--json")
    assert (done.exit_code, done.stdout) == (Exit.USAGE, "")


@pytest.mark.parametrize("columns", ["0", "00", ""])
def test_a_terminal_without_a_width_is_no_reason_for_silence(columns: str, tmp_path: Path) -> None:
    with start("account", "list", COLUMNS=columns, HOME=str(tmp_path)) as process:
        assert process.exit_code() == Exit.OK
        assert "No accounts yet" in process.errors()


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "FILE"),
        ("check", "localhost:993", "--ca", "FILE"),
        ("check", "localhost:993", "--dns", "127.0.0.1", "--dns-anchor", "FILE"),
        ("account", "list", "--store", "FILE"),
        ("account", "add", "--from", "FILE"),
        (*ADD, "--imap", "localhost", "--certificate", "FILE"),
        (*ADD, "--imap", "localhost", "--certificate", __file__, "--key", "FILE"),
        ("account", "export", "FILE"),
        ("fetch", "1", "FILE"),
        ("watch", "1", "--cursor", "FILE"),
    ],
    ids=lambda arguments: " ".join(arguments).replace(__file__, "mine"),
)
def test_whether_a_file_can_be_read_is_seen_by_whoever_reads_it(
    run: Run, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").write_text("")
    monkeypatch.setattr("os.access", lambda *_, **__: False)  # as for one who may not
    written = (str(tmp_path / "mine") if each == "FILE" else each for each in arguments)
    assert "Usage:" not in run(*written).stderr
