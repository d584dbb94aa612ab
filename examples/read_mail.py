"""Print the subjects of unread mail: read_mail.py alice@example.org imap.example.org[:993]."""

import asyncio
import getpass
import os
import sys

from securemail import Account, Endpoint, Password, SecureMailError, TLSMode, connect_imap


async def main(account: Account) -> None:
    async with connect_imap(account) as session:
        print(session.confidentiality.indicator.sentence)
        await session.client.select("INBOX")
        found = await session.client.search("UNSEEN")
        for number in found.lines[0].decode().split() if found.result == "OK" else ():
            answer = await session.client.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            print(answer.lines[1].decode(errors="replace").strip())


def account_of(address: str, server: str) -> Account:
    host, _, port = server.partition(":")
    if port and not port.isdecimal():
        sys.exit(f"{server}: {port!r} is not the number of a port")
    password = os.environ.get("MAIL_PASSWORD") or (sys.stdin.isatty() and getpass.getpass())
    if not password:
        sys.exit("no password: set MAIL_PASSWORD, or start it in a terminal, where it asks")
    imap = Endpoint(host, int(port or 993), TLSMode.IMPLICIT)
    return Account(address, imap=imap, credentials=Password(address, password))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(account_of(*sys.argv[1:])))
    except SecureMailError as exc:
        sys.exit(str(exc))
    except KeyboardInterrupt:
        sys.exit(130)
