"""Submission of the standard library, with a context that all connections share."""

from __future__ import annotations

import smtplib

from benchmarks.bulk import MESSAGE, RECIPIENT, SENDER
from benchmarks.peer import Job, context, serve


def connect(job: Job) -> smtplib.SMTP:
    tls = context(job.ca, job.host)
    if job.tls == "implicit":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            job.address, job.port, local_hostname="localhost", context=tls
        )
    else:
        client = smtplib.SMTP(job.address, job.port, local_hostname="localhost")
        client.starttls(context=tls)
    client.ehlo()
    client.user, client.password = job.user, job.password
    client.auth("PLAIN", client.auth_plain)
    return client


def leave(client: smtplib.SMTP) -> None:
    client.quit()


def submit(job: Job, client: smtplib.SMTP) -> None:
    for _ in range(job.count):
        client.sendmail(SENDER, RECIPIENT, MESSAGE)


def submit_each(job: Job, _held: smtplib.SMTP) -> None:
    for _ in range(job.count):
        client = connect(job)
        client.sendmail(SENDER, RECIPIENT, MESSAGE)
        client.quit()


if __name__ == "__main__":
    serve(connect, leave, submit=submit, submit_each=submit_each)
