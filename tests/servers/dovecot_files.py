"""What a private Dovecot reads: its configuration, its users and its certificates."""

from __future__ import annotations

import base64
import grp
import hashlib
import os
import pwd
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.servers import pki, tokens

TEMPLATE: Final = Path(__file__).with_name("dovecot.conf")

# A client that talks to 127.77.1.1 has the address 127.0.0.1. With one address on both sides
# Dovecot takes the line for safe, and offers passwords in cleartext where it should not.
ADDRESS: Final = "127.77.1.1"

HOST: Final = "mail.example.test"
EXPIRED_HOST: Final = "expired.example.test"
SELF_SIGNED_HOST: Final = "selfsigned.example.test"
WRONG_NAME_HOST: Final = "wrongname.example.test"
UNKNOWN_ISSUER_HOST: Final = "unknown.example.test"
COMMON_NAME_HOST: Final = "commonname.example.test"
# Good for the hosts in this domain, and sent with its authority, as DANE-TA(2) wants it.
DANE_HOST: Final = "*.dane.test"

PASSWORDS: Final = MappingProxyType(
    {"alice": "alice's wonderland", "bob": "bob's burgers", "carol": "carol's hash"}
)
# Whose password is stored as a hash that has nothing to do with SCRAM.
HASHED: Final = frozenset({"carol"})

# A number that no account of Debian's has.
MAIL_UID: Final = 12345


@dataclass(frozen=True, slots=True)
class Certificates:
    """The PEM files that clients need; see `DovecotWorld` for what is what."""

    ca_pem: bytes
    client_pem: Mapping[str, bytes]
    revoked_client_pem: bytes


def write(directory: Path, ports: Mapping[str, int]) -> Certificates:
    """Write all of it below `directory`; `ports` are put into the configuration by their names."""
    ca = pki.authority("Test CA")
    servers = _server_certificates(ca)
    pems = directory / "pki"
    pems.mkdir()
    for host, pair in servers.items():
        above = ca.certificate_pem if host == DANE_HOST else b""
        (pems / f"{host}.pem").write_bytes(pair.pem + above)
    local_names = "\n".join(_local_name(host, pems / f"{host}.pem") for host in servers)
    conf = string.Template(TEMPLATE.read_text()).substitute(
        _accounts(),
        dir=directory,
        address=ADDRESS,
        default_pem=pems / f"{HOST}.pem",
        local_names=local_names,
        **ports,
    )
    (directory / "dovecot.conf").write_text(conf)
    _write_users(directory)
    tokens.write(directory)
    return _write_client_certificates(pems, ca)


def mail_owner() -> tuple[int, int]:
    """Return the user and group that all mail belongs to: without root, our own."""
    return (MAIL_UID, MAIL_UID) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def _accounts() -> dict[str, str]:
    """Return the settings for the accounts that Dovecot's own processes run under."""
    mail_uid, mail_gid = map(str, mail_owner())
    if os.geteuid() == 0:
        internal_user, login_user, group = "dovecot", "dovenull", "dovecot"
    else:
        internal_user = login_user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
    return {
        "internal_user": internal_user,
        "internal_group": group,
        "login_user": login_user,
        "mail_uid": mail_uid,
        "mail_gid": mail_gid,
    }


def _server_certificates(ca: pki.KeyPair) -> dict[str, pki.KeyPair]:
    """Return a certificate by host name: one good, the others each bad in one way."""

    def named(host: str) -> pki.Leaf:
        return pki.Leaf(host, dns_names=(host,))

    expired = replace(named(EXPIRED_HOST), not_after=pki.NOW - pki.DAY)
    return {
        HOST: pki.issue(named(HOST), issuer=ca),
        EXPIRED_HOST: pki.issue(expired, issuer=ca),
        SELF_SIGNED_HOST: pki.issue(named(SELF_SIGNED_HOST), issuer=None),
        WRONG_NAME_HOST: pki.issue(named("other.example.test"), issuer=ca),
        UNKNOWN_ISSUER_HOST: pki.issue(
            named(UNKNOWN_ISSUER_HOST), issuer=pki.authority("A CA that nobody knows")
        ),
        COMMON_NAME_HOST: pki.issue(pki.Leaf(COMMON_NAME_HOST), issuer=ca),
        DANE_HOST: pki.issue(named(DANE_HOST), issuer=ca),
    }


def _local_name(host: str, pem: Path) -> str:
    return f"local_name {host} {{\n  ssl_cert = <{pem}\n  ssl_key = <{pem}\n}}"


def _write_users(directory: Path) -> None:
    """Write both lists of users, and make their mailboxes."""
    passwords = [f"{user}:{_stored(user)}::::::\n" for user in PASSWORDS]
    (directory / "users").write_text("".join(passwords))
    # A certificate is all that EXTERNAL asks for.
    external = [f"{user}:::::::nopassword=y\n" for user in PASSWORDS]
    (directory / "users.external").write_text("".join(external))
    for user in PASSWORDS:
        home = directory / "mail" / user
        folders = [home / "Maildir" / name for name in ("cur", "new", "tmp")]
        for folder in folders:
            folder.mkdir(parents=True)
        for path in (home, home / "Maildir", *folders):
            os.chown(path, *mail_owner())


def _stored(user: str) -> str:
    """Return what the list of users says of a password."""
    word = PASSWORDS[user]
    if user not in HASHED:
        return f"{{PLAIN}}{word}"
    salt = b"salted"
    return "{SSHA256.b64}" + base64.b64encode(
        hashlib.sha256(word.encode() + salt).digest() + salt
    ).decode("ascii")


def _write_client_certificates(pems: Path, server_ca: pki.KeyPair) -> Certificates:
    """Issue the users' certificates, and write the authority that Dovecot checks them with."""
    client_ca = pki.authority("Test client CA")
    clients = {user: _client(user, client_ca) for user in PASSWORDS}
    revoked = _client("bob", client_ca)
    crl = pki.revocation_list(client_ca, [revoked.certificate])
    (pems / "client-ca.pem").write_bytes(client_ca.certificate_pem + crl)
    return Certificates(
        ca_pem=server_ca.certificate_pem,
        client_pem=MappingProxyType({user: pair.pem for user, pair in clients.items()}),
        revoked_client_pem=revoked.pem,
    )


def _client(user: str, issuer: pki.KeyPair) -> pki.KeyPair:
    return pki.issue(pki.Leaf(user, purpose=pki.CLIENT), issuer=issuer)
