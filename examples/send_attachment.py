"""Send a file, and say what became of it: send_attachment.py FROM HOST[:PORT] TO FILE.

The password comes from MAIL_PASSWORD.
"""

import asyncio
import mimetypes
import os
import sys
from email.message import EmailMessage
from pathlib import Path

from securemail import (
    Account,
    Endpoint,
    Password,
    SecureMailError,
    TLSMode,
    UnknownOutcome,
    connect_submission,
)


def letter(sender: str, recipient: str, file: Path) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, recipient, file.name
    made.set_content(f"Attached is {file.name}.")
    kind, _, subkind = (mimetypes.guess_type(file)[0] or "application/octet-stream").partition("/")
    made.add_attachment(file.read_bytes(), kind, subkind, filename=file.name)
    return made


async def main(account: Account, message: EmailMessage) -> None:
    async with connect_submission(account) as session:
        try:
            done = await session.client.submit(message)
        except UnknownOutcome as exc:
            sys.exit(f"it may have been sent, look before you send it again: {exc}")
    for each in done.recipients:
        print(each.address, "accepted" if each.is_accepted else "refused", each.words)


if __name__ == "__main__":
    if len(sys.argv) != 5 or "MAIL_PASSWORD" not in os.environ:
        sys.exit(__doc__)
    sender, server, recipient, file = sys.argv[1:]
    host, _, port = server.partition(":")
    if port and not port.isdecimal():
        sys.exit(f"{server}: {port!r} is not the number of a port")
    try:
        credentials = Password(sender, os.environ["MAIL_PASSWORD"])
        submission = Endpoint(host, int(port or 465), TLSMode.IMPLICIT)
        account = Account(sender, submission=submission, credentials=credentials)
        asyncio.run(main(account, letter(sender, recipient, Path(file))))
    except (SecureMailError, OSError, ValueError) as exc:
        sys.exit(str(exc))
    except KeyboardInterrupt:
        sys.exit(130)
