"""What all submission sessions of a server share: who is local, and what was taken. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field

from securemail.testing.imap.session import Site

# What EHLO lists beside STARTTLS and AUTH; REQUIRETLS is said inside TLS only (RFC 8689 section 2).
EXTENSIONS = (
    "PIPELINING",
    "SIZE 52428800",
    "8BITMIME",
    "SMTPUTF8",
    "DSN",
    "REQUIRETLS",
    "ENHANCEDSTATUSCODES",
)


@dataclass(frozen=True, slots=True)
class SubmittedMessage:
    """A message that the server took: from whom, for whom, and how.

    `user` is who had logged in, `parameters` what MAIL said behind the sender, in upper case.
    """

    user: str
    sender: str
    recipients: tuple[str, ...]
    parameters: tuple[str, ...]
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Office:
    """Takes messages, and delivers those for the server's own users into its store."""

    site: Site
    extensions: tuple[str, ...]
    taken: list[SubmittedMessage]

    def has(self, keyword: str) -> bool:
        """Return whether EHLO lists it."""
        return any(line.split()[0] == keyword for line in self.extensions)

    @property
    def max_size(self) -> int:
        """The largest message, as SIZE says it; without SIZE, or with 0, there is no limit."""
        lines = [line.split() for line in self.extensions if line.startswith("SIZE ")]
        return int(lines[0][1]) if lines else 0

    def is_known(self, address: str) -> bool:
        """Return whether a message for `address` is taken: to other domains it is."""
        local, _, domain = address.rpartition("@")
        return domain.lower() not in self._domains or self._user(address, local) is not None

    def take(self, message: SubmittedMessage) -> None:
        """Keep the message, and put it into the INBOX of each recipient who is a user here."""
        self.taken.append(message)
        for address in message.recipients:
            local, _, domain = address.rpartition("@")
            user = self._user(address, local)
            if user is not None and (user == address or domain.lower() in self._domains):
                self.site.store.deliver(user, message.data)

    @property
    def _domains(self) -> tuple[str, str]:
        # Mail for example.org is at home on mail.example.org.
        host = self.site.host_name
        return host, host.partition(".")[2] or host

    def _user(self, address: str, local: str) -> str | None:
        return next((name for name in (address, local) if name in self.site.users), None)
