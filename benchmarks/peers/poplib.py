"""POP3 of the standard library, with a context that all connections share."""

from __future__ import annotations

import poplib

from benchmarks.peer import Job, context, serve


def connect(job: Job) -> poplib.POP3:
    tls = context(job.ca, job.host)
    if job.tls == "implicit":
        client: poplib.POP3 = poplib.POP3_SSL(job.address, job.port, context=tls)
    else:
        client = poplib.POP3(job.address, job.port)
        client.stls(tls)
    client.user(job.user)
    client.pass_(job.password)
    return client


def leave(client: poplib.POP3) -> None:
    client.quit()


def retr(job: Job, client: poplib.POP3) -> None:
    for number in range(1, job.count + 1):
        client.retr(number)


if __name__ == "__main__":
    serve(connect, leave, retr=retr)
