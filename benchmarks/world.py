"""The servers that the peers talk to: those of the tests, Dovecot and Postfix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peer import Job

from tests.servers.dovecot import DovecotWorld, dovecot
from tests.servers.postfix import postfix, why_not

USER: Final = "bob"

# One process for all logins. Else Dovecot has one for each, with ticket keys of its own, and no TLS
# session is ever resumed; the server would also have most of the CPU that there is.
SHARED_LOGINS: Final = """
ssl_verify_client_cert = no
service imap-login {
  service_count = 0
  process_limit = 1
}
service pop3-login {
  service_count = 0
  process_limit = 1
}
"""


@dataclass(frozen=True, slots=True)
class World:
    """Where each service is, by how TLS begins."""

    dovecot: DovecotWorld
    ports: dict[tuple[str, str], int]
    ca: Path
    far: str = ""  # the same servers at the end of a line of packets, with `tunnel`

    @property
    def ways(self) -> list[tuple[str, str]]:
        """The services that there are, and how TLS begins."""
        return list(self.ports)

    def job(self, do: str, service: str, tls: str, /, **fields: int | bool) -> Job:
        """Return a job for the server of `service`."""
        return Job(
            do=do,
            service=service,
            tls=tls,
            address=self.dovecot.address,
            port=self.ports[service, tls],
            host=self.dovecot.host,
            ca=str(self.ca),
            user=USER,
            password=self.dovecot.passwords[USER],
            **fields,  # type: ignore[arg-type]  # they are the numbers of a Job
        )


@contextmanager
def world(far: str = "") -> Iterator[World]:
    """Run the servers; without Postfix there is no submission."""
    if (reason := why_not()) is not None:
        print(f"submission is left out: {reason}")
        with dovecot() as alone:
            _share_logins(alone)
            yield _world(alone, {}, far)
    else:
        with postfix() as both:
            _share_logins(both.dovecot)
            ports = {"implicit": both.submissions_port, "starttls": both.submission_port}
            yield _world(both.dovecot, ports, far)


def _share_logins(mail: DovecotWorld) -> None:
    with (mail.directory / "dovecot.conf").open("a") as conf:
        conf.write(SHARED_LOGINS)
    mail.restart()


def _world(mail: DovecotWorld, submission: dict[str, int], far: str) -> World:
    ca = mail.directory / "ca.pem"
    ca.write_bytes(mail.ca_pem)
    ports = {
        ("imap", "implicit"): mail.imaps_port,
        ("imap", "starttls"): mail.imap_port,
        ("pop3", "implicit"): mail.pop3s_port,
        ("pop3", "starttls"): mail.pop3_port,
        **{("submission", tls): port for tls, port in submission.items()},
    }
    return World(mail, ports, ca, far)
