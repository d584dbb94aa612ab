"""Access tokens that the test server can check by itself (RFC 7519, HS256)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Final

ISSUER: Final = "https://issuer.example.test"
# One key for all worlds: what they hold is worth nothing, and lasts as long as the tests.
_KEY: Final = secrets.token_bytes(32)


def write(directory: Path) -> None:
    """Write the key, and what Dovecot needs to be told about tokens."""
    key = directory / "oauth" / "default" / "HS256" / "default"
    key.parent.mkdir(parents=True)
    key.write_text(base64.b64encode(_KEY).decode("ascii"))
    (directory / "oauth2.conf.ext").write_text(
        "introspection_mode = local\n"
        f"local_validation_key_dict = fs:posix:prefix={directory}/oauth/\n"
        "username_attribute = sub\n"
        f"issuers = {ISSUER}\n"
    )


def token(user: str, *, valid_s: int) -> str:
    """Return a token of `user`'s that is good for `valid_s` seconds from now."""
    now = int(time.time())
    start = now - 3600
    claims = {"sub": user, "iss": ISSUER, "iat": start, "nbf": start, "exp": now + valid_s}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_encoded(hmac.digest(_KEY, signed.encode(), hashlib.sha256))}"


def _part(value: dict[str, object] | dict[str, str]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
