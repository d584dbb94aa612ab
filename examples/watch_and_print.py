"""Print what happens in a mailbox: watch_and_print.py ADDRESS HOST[:PORT] CURSOR.

CURSOR is a file, where the next start goes on. The password comes from MAIL_PASSWORD.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from securemail import (
    Account,
    Cursor,
    Endpoint,
    Lost,
    MailboxChanged,
    Password,
    SecureMailError,
    TLSMode,
    watch,
)


async def main(account: Account, place: Path) -> None:
    since = Cursor.from_json(json.loads(place.read_text())) if place.exists() else None
    async with watch(account, since=since) as events:
        async for event in events:
            match event:
                case MailboxChanged(_, new, expunged, flags):
                    print(f"new: {new}; gone: {expunged}; other flags: {flags}", flush=True)
                case Lost(_, error, retry_s):
                    print(f"{error}; again in {retry_s:.0f} s", flush=True)
                case _:
                    print(type(event).__name__, flush=True)
            # Behind what was done about it: whoever is killed here hears of it again.
            if event.cursor is not None:
                place.write_text(json.dumps(event.cursor.to_json()))


if __name__ == "__main__":
    if len(sys.argv) != 4 or "MAIL_PASSWORD" not in os.environ:
        sys.exit(__doc__)
    address, (host, _, port) = sys.argv[1], sys.argv[2].partition(":")
    if port and not port.isdecimal():
        sys.exit(f"{sys.argv[2]}: {port!r} is not the number of a port")
    try:
        credentials = Password(address, os.environ["MAIL_PASSWORD"])
        imap = Endpoint(host, int(port or 993), TLSMode.IMPLICIT)
        asyncio.run(main(Account(address, imap=imap, credentials=credentials), Path(sys.argv[3])))
    except (SecureMailError, ValueError) as exc:
        sys.exit(str(exc))
    except KeyboardInterrupt:
        sys.exit(130)
