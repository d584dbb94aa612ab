"""`securemail account`: from an address to the file, and what becomes of it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from securemail import TLSMode
from securemail.cli.codes import Exit
from tests.cli.conftest import InMemory, Run, World

ADD = ("account", "add", "alice@example.org", "--username", "alice")
Added = Callable[[str], None]


def test_an_account_is_found_tried_and_kept_with_its_password_in_the_keyring(
    run: Run, world: World, own_keyring: InMemory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = run(*ADD, *world.options, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.OK, done.output
    assert list(own_keyring.kept.values()) == ["secret"]
    assert b"secret" not in (tmp_path / "accounts.db").read_bytes()
    monkeypatch.delenv("SECUREMAIL_PASSWORD")
    tested = run("account", "test", "alice@example.org", "--json", *world.dns)
    assert tested.exit_code == Exit.OK, tested.output
    assert {each["login"] for each in json.loads(tested.stdout)["services"]} == {"worked"}


def test_an_account_whose_login_is_refused_is_not_kept(run: Run, world: World) -> None:
    done = run(*ADD, *world.options, SECUREMAIL_PASSWORD="canary")
    assert done.exit_code == Exit.LOGIN
    assert "was not kept" in done.stderr
    assert "canary" not in done.output
    assert json.loads(run("account", "list", "--json").stdout) == []


def test_without_a_keyring_the_account_is_kept_and_the_password_is_said_not_to_be(
    run: Run, world: World, tmp_path: Path
) -> None:
    done = run(*ADD, *world.options, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.OK, done.output
    assert "password is not kept" in done.stderr
    assert b"secret" not in (tmp_path / "accounts.db").read_bytes()


def test_servers_that_are_named_are_not_looked_for(run: Run, world: World) -> None:
    imap = world.server.endpoint(TLSMode.STARTTLS)
    where = f"{imap.host}:{imap.port}"
    arguments = ("--imap", where, "--tls", "starttls", "--json", *world.options)
    done = run(*ADD, *arguments, SECUREMAIL_PASSWORD="secret")
    assert done.exit_code == Exit.OK, done.output
    kept = json.loads(done.stdout)
    assert kept["imap"] == {"host": imap.host, "port": imap.port, "tls": "starttls"}
    assert "pop3" not in kept


def test_without_a_word_accounts_are_where_settings_are_and_their_owners_alone(
    run: Run, world: World, added: Added, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SECUREMAIL_STORE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert run("account", "list", "--json").stdout == "[]\n"
    assert not (tmp_path / "config").exists()
    added("alice")
    folder = tmp_path / "config" / "securemail"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "accounts.db").stat().st_mode) == 0o600


def test_an_account_is_kept_once(run: Run, added: Added, world: World) -> None:
    added("alice")
    done = run(*ADD, *world.options)
    assert done.exit_code == Exit.USAGE
    assert "there already" in done.stderr


@pytest.mark.parametrize("form", ["json", "toml"])
def test_what_is_exported_is_for_its_owner_and_can_be_taken_back(
    run: Run, added: Added, tmp_path: Path, form: str
) -> None:
    added("alice")
    file = tmp_path / f"backup.{form}"
    assert run("account", "export", str(file), "--format", form).exit_code == Exit.OK
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "secret" not in file.read_text()
    assert run("account", "remove", "1", "--yes").exit_code == Exit.OK
    done = run("account", "add", "--from", str(file), "--with-trust", "--json")
    assert done.exit_code == Exit.OK, done.output
    assert json.loads(done.stdout)[0]["address"] == "alice@example.org"


def test_an_export_overwrites_nothing(run: Run, added: Added, tmp_path: Path) -> None:
    added("alice")
    file = tmp_path / "there"
    file.write_text("mine")
    assert run("account", "export", str(file)).exit_code == Exit.LOCAL
    assert file.read_text() == "mine"


def test_accounts_are_listed_in_words(run: Run, added: Added) -> None:
    added("alice")
    done = run("account", "list")
    assert "alice@example.org" in done.stdout
    assert "as alice" in done.stdout
    assert "TLSv1.2+, proved" in done.stdout


def test_nothing_is_removed_before_somebody_has_said_yes(run: Run, added: Added) -> None:
    added("alice")
    assert run("account", "remove", "1").exit_code == Exit.USAGE
    assert len(json.loads(run("account", "list", "--json").stdout)) == 1


def test_what_got_worse_since_the_last_test_is_told(run: Run, added: Added, world: World) -> None:
    added("alice")
    assert run("account", "test", "1", *world.dns).exit_code == Exit.OK
    # Without the validated DNS its servers are not found by DANE any more, nor by name: their
    # addresses are not known to the system's resolver.
    done = run("account", "test", "1", "--timeout", "5")
    assert done.exit_code == Exit.UNREACHABLE


def test_implicit_tls_is_taken_where_it_is_advertised_now(run: Run, world: World) -> None:
    imap = world.server.endpoint(TLSMode.STARTTLS)
    arguments = ("--imap", f"{imap.host}:{imap.port}", "--tls", "starttls", *world.options)
    assert run(*ADD, *arguments, SECUREMAIL_PASSWORD="secret").exit_code == Exit.OK
    asked = run("account", "upgrade", "1", *world.dns)
    assert "better protected" in asked.stderr
    assert "--yes takes what is offered" in asked.stderr
    done = run("account", "upgrade", "1", "--yes", "--json", *world.dns)
    assert done.exit_code == Exit.OK, done.output
    kept = json.loads(done.stdout)["imap"]
    assert (kept["tls"], kept["port"]) == ("implicit", world.server.endpoint(TLSMode.IMPLICIT).port)


def test_a_test_says_that_implicit_tls_is_advertised(run: Run, world: World) -> None:
    imap = world.server.endpoint(TLSMode.STARTTLS)
    arguments = ("--imap", f"{imap.host}:{imap.port}", "--tls", "starttls", *world.options)
    assert run(*ADD, *arguments, SECUREMAIL_PASSWORD="secret").exit_code == Exit.OK
    done = run("account", "test", "1", *world.dns)
    assert "implicit TLS, is advertised, too" in done.stdout


def test_servers_that_do_not_prove_what_the_account_insists_on_are_not_taken(
    run: Run, world: World, tmp_path: Path
) -> None:
    imap = world.server.endpoint(TLSMode.STARTTLS)
    arguments = ("--imap", f"{imap.host}:{imap.port}", "--tls", "starttls", *world.options)
    assert run(*ADD, *arguments, SECUREMAIL_PASSWORD="secret").exit_code == Exit.OK
    accounts = json.loads(run("account", "export").stdout)
    run("account", "remove", "1", "--yes")
    accounts["accounts"][0]["policy"] = {"require_post_quantum": True}
    (tmp_path / "strict.json").write_text(json.dumps(accounts))
    strict = ("account", "add", "--from", str(tmp_path / "strict.json"))
    assert run(*strict).exit_code == Exit.USAGE  # its authority is the file's word
    assert run(*strict, "--with-trust").exit_code == Exit.OK
    done = run("account", "upgrade", "2", "--yes", *world.dns)
    assert done.exit_code == Exit.NOT_PRIVATE, done.output
    assert "was not changed" in done.stderr
    assert json.loads(run("account", "show", "2", "--json").stdout)["imap"]["tls"] == "starttls"


def test_without_a_minimum_no_server_is_taken_that_proves_nothing(
    run: Run, world: World, tmp_path: Path
) -> None:
    here = world.server.endpoint(TLSMode.STARTTLS)
    account = {
        "address": "alice@example.org",
        "imap": {"host": here.host, "port": here.port, "tls": "starttls"},
        "policy": {"acknowledged": "I know"},
    }
    file = tmp_path / "open.json"
    file.write_text(json.dumps({"securemail": 1, "accounts": [account]}))
    assert "no minimum" in " ".join(run("account", "add", "--from", str(file)).stderr.split())
    # Its authority is unknown here, and no DANE vouches for it.
    done = run("account", "upgrade", "1", "--yes", *world.dns_without_dane)
    assert done.exit_code == Exit.NOT_PRIVATE, done.output
    assert json.loads(run("account", "show", "1", "--json").stdout)["imap"]["tls"] == "starttls"


# --- mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add",), "--from"),
        (("add", "alice@"), "mail address"),
        (("add", "alice@example.org", "--imap", "mail.example.org:x"), "port"),
        (("add", "alice@example.org", "--imap", "mail.example.org:12345"), "--tls"),
        (("show", "7"), "there is no '7'"),
        (("test", "nobody@example.org"), "there is no"),
        (("remove", "1", "--yes"), "there is no"),
        (("export",), "no accounts"),
    ],
)
def test_a_mistake_is_a_sentence(run: Run, arguments: tuple[str, ...], words: str) -> None:
    done = run("account", *arguments)
    assert done.exit_code == Exit.USAGE
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("text", "words"), [("{", "no JSON"), ("\xff", "UTF-8"), ("[]", "has not the fields")]
)
def test_a_file_of_accounts_that_is_none_is_a_sentence(
    run: Run, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "accounts.json"
    file.write_bytes(text.encode("latin-1"))
    done = run("account", "add", "--from", str(file))
    assert done.exit_code == Exit.USAGE
    assert words in done.stderr


def test_a_file_that_cannot_be_read_is_a_sentence(run: Run, tmp_path: Path) -> None:
    done = run("account", "add", "--from", str(tmp_path / "missing.json"))
    assert done.exit_code == Exit.LOCAL
    assert "No such file" in done.stderr


def test_a_store_that_is_damaged_or_open_to_others_is_a_sentence(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "accounts.db"
    store.write_bytes(b"x" * 4096)
    store.chmod(0o600)
    done = run("account", "list")
    assert done.exit_code == Exit.LOCAL
    assert "not a file of accounts" in done.stderr
    store.chmod(0o644)
    assert "chmod 600" in run("account", "list").stderr
    assert store.read_bytes() == b"x" * 4096
