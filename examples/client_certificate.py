"""Log in with a certificate and no password: client_certificate.py ADDRESS HOST[:PORT] CERTIFICATE.

CERTIFICATE is a PEM file with the key in it; KEY_PASSWORD opens a key that is encrypted.
"""

import asyncio
import datetime as dt
import os
import sys

from securemail import (
    Account,
    ClientCertificate,
    Endpoint,
    SecureMailError,
    TLSMode,
    connect_imap,
)


async def main(account: Account) -> None:
    async with connect_imap(account) as session:
        proved = session.confidentiality
        print(proved.indicator.sentence)
        print(f"{session.service.name}: logged in by {session.authenticated_by}")
        print("the certificate was shown" if proved.client_certificate_sent else "not shown")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    address, (host, _, port), file = sys.argv[1], sys.argv[2].partition(":"), sys.argv[3]
    if port and not port.isdecimal():
        sys.exit(f"{sys.argv[2]}: {port!r} is not the number of a port")
    try:
        mine = ClientCertificate.from_pem(file, password=os.environ.get("KEY_PASSWORD"))
        if warning := mine.warning(dt.datetime.now(dt.UTC)):
            print(warning, file=sys.stderr)
        imap = Endpoint(host, int(port or 993), TLSMode.IMPLICIT)
        asyncio.run(main(Account(address, imap=imap, client_certificate=mine)))
    except (SecureMailError, OSError, ValueError) as exc:
        sys.exit(str(exc))
    except KeyboardInterrupt:
        sys.exit(130)
