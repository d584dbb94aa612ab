"""IMAP of the standard library, with a context that all connections share."""

from __future__ import annotations

import imaplib

from benchmarks.bulk import FETCHES, check
from benchmarks.peer import Job, context, serve


def connect(job: Job) -> imaplib.IMAP4:
    tls = context(job.ca, job.host)
    if job.tls == "implicit":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(job.address, job.port, ssl_context=tls)
    else:
        client = imaplib.IMAP4(job.address, job.port)
        client.starttls(tls)
    client.login(job.user, job.password)
    return client


def leave(client: imaplib.IMAP4) -> None:
    client.logout()


def fetch(job: Job, client: imaplib.IMAP4) -> None:
    wanted = FETCHES[job.do]
    client.select(wanted.mailbox)
    _, lines = client.fetch(wanted.messages, wanted.items)
    check(wanted, len(lines))


if __name__ == "__main__":
    serve(connect, leave, **dict.fromkeys(FETCHES, fetch))
