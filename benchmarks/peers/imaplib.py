"""IMAP of the standard library, with a context that all connections share."""

from __future__ import annotations

import imaplib

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


if __name__ == "__main__":
    serve(connect, leave)
