"""Accounts that log in with a client certificate: its key is kept, and never shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from securemail.cli.codes import Exit
from tests.cli.conftest import InMemory, Run, World
from tests.cli.processes import at_terminal
from tests.cli.test_terminal import environment

ADD = ("account", "add", "alice@example.org", "--certificate")
CANARY = "canary-passphrase"


@pytest.fixture
def pem(world: World, tmp_path: Path) -> Path:
    """The certificate and the key of alice in one file."""
    return written(tmp_path / "alice.pem", world.server.ca.client_pem("alice"))


def written(path: Path, data: bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(data)
    return path


def key_in(pem: Path) -> str:
    """Return the innermost line of the key, which nothing may show."""
    key = load_pem_private_key(pem.read_bytes(), None)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return text.splitlines()[2]


def encrypted(pem: Path, kind: str) -> Path:
    """Write the key once more, so that a passphrase opens it."""
    key = load_pem_private_key(pem.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(pem.read_bytes())
    lock = BestAvailableEncryption(CANARY.encode())
    if kind == "p12":
        data = pkcs12.serialize_key_and_certificates(None, key, certificate, None, lock)  # type: ignore[arg-type]  # the key is one of those
    else:
        own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
        data = own + certificate.public_bytes(Encoding.PEM)
    return written(pem.with_name(f"locked.{kind}"), data)


def test_an_account_logs_in_with_its_certificate_and_its_key_is_in_the_keyring(
    run: Run, world: World, own_keyring: InMemory, pem: Path, tmp_path: Path
) -> None:
    done = run(*ADD, str(pem), *world.options)
    assert done.exit_code == Exit.OK, done.output
    (kept,) = own_keyring.kept.values()
    hidden = key_in(pem)
    assert hidden in kept
    tested = run("account", "test", "1", "--json", *world.dns)
    assert tested.exit_code == Exit.OK, tested.output
    assert {each["login"] for each in json.loads(tested.stdout)["services"]} == {"worked"}
    shown = run("account", "show", "1")
    assert "Client certificate, its key in the keyring:" in shown.stdout
    assert "CN=alice" in shown.stdout
    told = [shown, tested, done, run("account", "show", "1", "--json"), run("account", "export")]
    assert [each.output for each in told if hidden in each.output] == []
    assert hidden.encode() not in (tmp_path / "accounts.db").read_bytes()


def test_without_a_keyring_the_file_of_the_key_is_named_each_time(
    run: Run, world: World, pem: Path
) -> None:
    done = run(*ADD, str(pem), *world.options)
    assert done.exit_code == Exit.OK, done.output
    assert "The key is not kept; SECUREMAIL_KEY is to name its file each time" in done.stderr
    refused = run("account", "test", "1", *world.dns)
    assert refused.exit_code == Exit.USAGE
    assert "into SECUREMAIL_KEY" in refused.stderr
    tested = run("account", "test", "1", *world.dns, SECUREMAIL_KEY=str(pem))
    assert tested.exit_code == Exit.OK, tested.output


@pytest.mark.parametrize("kind", ["pem", "p12"])
def test_a_passphrase_comes_from_the_environment_and_is_shown_nowhere(
    run: Run, world: World, own_keyring: InMemory, pem: Path, kind: str
) -> None:
    locked = encrypted(pem, kind)
    done = run(*ADD, str(locked), *world.options, SECUREMAIL_KEY_PASSPHRASE=CANARY)
    assert done.exit_code == Exit.OK, done.output
    wrong = (
        run("account", "remove", "1", "--yes").output
        + run(*ADD, str(locked), *world.options, SECUREMAIL_KEY_PASSPHRASE=f"{CANARY}!").output
    )
    assert "wrong or missing password?" in " ".join(wrong.split())
    assert CANARY not in done.output + wrong


def test_a_passphrase_is_asked_for_and_not_shown(run: Run, world: World, pem: Path) -> None:
    locked = encrypted(pem, "p12")
    with at_terminal(*ADD, str(locked), *world.options, **environment()) as person:
        person.read_until("Passphrase of the key in")
        person.type(CANARY)
        rest = person.rest()
        assert person.exit_code() == Exit.OK, rest
    assert CANARY not in rest


def test_a_password_as_well_is_asked_for_only_if_one_says_so(
    run: Run, world: World, own_keyring: InMemory, pem: Path
) -> None:
    options = ("--with-password", "--username", "alice", *world.options)
    done = run(*ADD, str(pem), *options, SECUREMAIL_PASSWORD="secret", SECUREMAIL_KEY="")
    assert done.exit_code == Exit.OK, done.output
    assert len(own_keyring.kept) == 2
    tested = run("account", "test", "1", *world.dns, SECUREMAIL_PASSWORD="wrong")
    # The password of the environment is taken, not that of the keyring; the certificate saves it.
    assert tested.exit_code == Exit.OK, tested.output


def test_a_key_that_others_may_read_is_told(run: Run, world: World, pem: Path) -> None:
    pem.chmod(0o644)
    done = run(*ADD, str(pem), "--untested", *world.options)
    assert "Others may read the key in" in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--certificate", "/nowhere"), Exit.LOCAL, "/nowhere: No such file or directory."),
        (("--certificate", __file__), Exit.USAGE, "SECUREMAIL_KEY_PASSPHRASE: nobody can be asked"),
        (("--key", "/nowhere"), Exit.USAGE, "--certificate: is missing."),
        (("--with-password",), Exit.USAGE, "--certificate: is missing."),
    ],
)
def test_what_is_wrong_with_a_certificate_is_a_sentence(
    run: Run, world: World, options: tuple[str, ...], code: Exit, said: str
) -> None:
    where = ("--imap", "imap.example.org", *world.options)
    done = run("account", "add", "alice@example.org", *options, *where)
    assert done.exit_code == code
    assert said in " ".join(done.stderr.split())
