"""Proves the Dovecot of the tests, with the standard library only: no code of ours is used."""

from __future__ import annotations

import contextlib
import imaplib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.dovecot import DovecotWorld, dovecot
from tests.servers.dovecot_files import ADDRESS

pytestmark = pytest.mark.dovecot

TIMEOUT_S = 10


class _IMAP(imaplib.IMAP4):
    """imaplib at the world's address, whatever host name it is told."""

    def __init__(self, world: DovecotWorld, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._world = world
        self._tls = tls
        super().__init__(world.host, port, timeout=TIMEOUT_S)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = socket.create_connection((self._world.address, self.port), timeout)
        return self._tls.wrap_socket(sock, server_hostname=self.host) if self._tls else sock

    def __exit__(self, *_: object) -> None:
        try:
            self.logout()
        except (OSError, imaplib.IMAP4.error):
            # imaplib leaves its socket open when the server has gone away.
            with contextlib.suppress(OSError):
                self.shutdown()


@contextlib.contextmanager
def _starttls(world: DovecotWorld, tls: ssl.SSLContext) -> Iterator[imaplib.IMAP4]:
    with _IMAP(world, world.imap_port) as imap:
        imap.starttls(tls)
        yield imap


def _context(world: DovecotWorld) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=world.ca_pem.decode())


def _client_context(world: DovecotWorld, pem: bytes, directory: Path) -> ssl.SSLContext:
    context = _context(world)
    (directory / "client.pem").write_bytes(pem)
    context.load_cert_chain(directory / "client.pem")
    return context


def _implicit(world: DovecotWorld) -> _IMAP:
    return _IMAP(world, world.imaps_port, _context(world))


@contextlib.contextmanager
def _selected(world: DovecotWorld, user: str) -> Iterator[imaplib.IMAP4]:
    with _implicit(world) as imap:
        imap.login(user, world.passwords[user])
        imap.select()
        yield imap


@contextlib.contextmanager
def _inbox(world: DovecotWorld, user: str) -> Iterator[imaplib.IMAP4]:
    """Open a user's INBOX, which others use as well, and leave it empty."""
    with _selected(world, user) as imap:
        yield imap
        imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
        imap.expunge()


def test_it_greets_in_cleartext_and_keeps_passwords_for_tls(dovecot_world: DovecotWorld) -> None:
    with _IMAP(dovecot_world, dovecot_world.imap_port) as imap:
        assert {"STARTTLS", "LOGINDISABLED"} <= set(imap.capabilities)
        assert "AUTH=PLAIN" not in imap.capabilities


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_password_logs_in_behind_starttls(dovecot_world: DovecotWorld, user: str) -> None:
    with _starttls(dovecot_world, _context(dovecot_world)) as imap:
        assert imap.login(user, dovecot_world.passwords[user])[0] == "OK"


def test_a_password_logs_in_on_the_implicit_port(dovecot_world: DovecotWorld) -> None:
    with _implicit(dovecot_world) as imap:
        assert imap.login("alice", dovecot_world.passwords["alice"])[0] == "OK"


def test_a_wrong_password_is_refused(dovecot_world: DovecotWorld) -> None:
    with _implicit(dovecot_world) as imap, pytest.raises(imaplib.IMAP4.error, match="failed"):
        imap.login("alice", "wrong")


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_client_certificate_logs_in_by_external(
    dovecot_world: DovecotWorld, tmp_path: Path, user: str
) -> None:
    tls = _client_context(dovecot_world, dovecot_world.client_pem[user], tmp_path)
    with _starttls(dovecot_world, tls) as imap:
        assert imap.authenticate("EXTERNAL", lambda _: b"")[0] == "OK"


def test_external_without_a_client_certificate_is_refused(dovecot_world: DovecotWorld) -> None:
    with (
        _starttls(dovecot_world, _context(dovecot_world)) as imap,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        imap.authenticate("EXTERNAL", lambda _: b"")


def test_a_revoked_client_certificate_is_refused(
    dovecot_world: DovecotWorld, tmp_path: Path
) -> None:
    tls = _client_context(dovecot_world, dovecot_world.revoked_client_pem, tmp_path)
    with (
        _starttls(dovecot_world, tls) as imap,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        imap.authenticate("EXTERNAL", lambda _: b"")


@pytest.mark.parametrize(
    ("host_field", "reason"),
    [
        ("expired_host", "certificate has expired"),
        ("self_signed_host", "self-signed certificate"),
        ("wrong_name_host", "Hostname mismatch"),
        ("unknown_issuer_host", "unable to get local issuer certificate"),
        ("common_name_host", "Hostname mismatch"),
    ],
)
def test_each_other_host_name_has_a_certificate_bad_in_its_way(
    dovecot_world: DovecotWorld, host_field: str, reason: str
) -> None:
    tls = _context(dovecot_world)
    # The standard library still takes the common name where there is no other (RFC 9525 forbids).
    tls.hostname_checks_common_name = False
    address = (dovecot_world.address, dovecot_world.imaps_port)
    with (
        socket.create_connection(address, TIMEOUT_S) as sock,
        pytest.raises(ssl.SSLCertVerificationError, match=reason),
    ):
        tls.wrap_socket(sock, server_hostname=getattr(dovecot_world, host_field))


def test_a_delivery_is_seen_by_noop(dovecot_world: DovecotWorld) -> None:
    with _inbox(dovecot_world, "alice") as imap:
        dovecot_world.deliver("alice", b"Subject: one\r\n\r\nBody\r\n")
        imap.noop()
        assert imap.untagged_responses["EXISTS"][-1] == b"1"
        fetched = imap.fetch("1", "(BODY.PEEK[])")[1][0]
        assert fetched == (b"1 (BODY[] {22}", b"Subject: one\r\n\r\nBody\r\n")


def test_a_delivery_is_pushed_to_a_session_in_idle(dovecot_world: DovecotWorld) -> None:
    with _inbox(dovecot_world, "bob") as imap:
        imap.send(b"a IDLE\r\n")
        assert imap.readline().startswith(b"+ idling")
        dovecot_world.deliver("bob", b"Subject: pushed\r\n\r\n")
        assert imap.readline() == b"* 1 EXISTS\r\n"
        imap.send(b"DONE\r\n")
        while not imap.readline().startswith(b"a OK"):
            pass


def test_a_killed_server_ends_its_sessions_and_keeps_its_mail(own_dovecot: DovecotWorld) -> None:
    own_dovecot.deliver("alice", b"Subject: kept\r\n\r\n")
    with _selected(own_dovecot, "alice") as imap:
        own_dovecot.kill()
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            imap.noop()
    with pytest.raises(ConnectionRefusedError):
        _implicit(own_dovecot)
    own_dovecot.restart()
    with _selected(own_dovecot, "alice") as imap:
        assert imap.untagged_responses["EXISTS"] == [b"1"]


def test_one_users_sessions_are_killed_without_the_others(own_dovecot: DovecotWorld) -> None:
    with _selected(own_dovecot, "alice") as alice, _selected(own_dovecot, "bob") as bob:
        assert own_dovecot.kill_sessions("alice") == 1
        with pytest.raises(imaplib.IMAP4.abort):
            alice.noop()
        assert bob.noop()[0] == "OK"


def test_a_directory_remains_only_while_the_server_runs() -> None:
    with dovecot() as world:
        assert world.directory.stat().st_mode & 0o777 == 0o755
    assert not world.directory.exists()


OWNER = """
import sys
import tempfile
sys.path.insert(0, sys.argv[1])
from tests.servers.dovecot import dovecot
with dovecot() as world:
    print(world.imap_port, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def walkable() -> Iterator[Path]:
    """Return a directory for what a killed owner cannot remove."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_server_goes_down_with_the_tests_that_started_it(
    pytestconfig: pytest.Config, walkable: Path
) -> None:
    command = [sys.executable, "-c", OWNER, str(pytestconfig.rootpath)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(walkable)},
    ) as owner:
        assert owner.stdout
        address = (ADDRESS, int(owner.stdout.readline()))
        with socket.create_connection(address, TIMEOUT_S) as client:
            assert client.recv(4) == b"* OK"
            owner.kill()
            while client.recv(4096):
                pass
