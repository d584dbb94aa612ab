"""From a connection to a proxy to one through it: SOCKS5 and HTTP CONNECT, by python-socks."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final, cast

from securemail import limits
from securemail.errors import ConnectError, UsageError
from securemail.proxy import Proxy, ProxyKind

if TYPE_CHECKING:
    from python_socks.async_.asyncio.v2 import Proxy as Dialogue

# python-socks wants a limit of its own; the one that counts is `Timeouts.connect`.
_NEVER_S: Final = 86_400.0


async def open_tunnel(proxy: Proxy, sock: socket.socket, host: str, port: int) -> None:
    """Have `proxy` connect `sock` to `host`; a name is looked up by the proxy.

    What comes next on `sock` is the server's: not an octet more than the proxy's answer is read.

    Raises: ConnectError without a word of the proxy's, since it may repeat the password; UsageError
    where python-socks is not installed.
    """
    if reason := await _negotiate(proxy, sock, host, port):
        raise ConnectError(f"{proxy} {reason}", phase="proxy")


async def _negotiate(proxy: Proxy, sock: socket.socket, host: str, port: int) -> str:
    """Return why there is no tunnel, or nothing.

    The reason alone goes up: the frames below hold the password.
    """
    dialogue = _new_dialogue(proxy, sock)
    try:
        await dialogue.connect(host, port, timeout=_NEVER_S)
    except asyncio.CancelledError as exc:
        raise exc.with_traceback(None) from None
    except _BrokenOff as exc:
        return str(exc)
    except OSError as exc:
        return f"broke the connection off: {exc.strerror or type(exc).__name__}"
    except Exception as exc:  # noqa: BLE001 - whatever a proxy's answer does to its reader
        return _refusal(proxy.kind, exc)
    return ""


def _new_dialogue(proxy: Proxy, sock: socket.socket) -> Dialogue:
    try:
        # Imported when needed: an extra.
        from python_socks import ProxyType  # noqa: PLC0415 - see above
        from python_socks.async_.asyncio.v2 import Proxy as Dialogue  # noqa: PLC0415 - see above
    except ImportError as exc:
        raise UsageError("needs the extra securemail[proxy]", field="Account.proxy") from exc
    kinds = {ProxyKind.SOCKS5: ProxyType.SOCKS5, ProxyKind.HTTP_CONNECT: ProxyType.HTTP}
    return Dialogue(
        kinds[proxy.kind],
        proxy.host,
        proxy.port,
        proxy.username or None,
        proxy.password.reveal() or None,
        rdns=True,
        # What would be the proxy before this one: it has been dialled already.
        forward=cast("Dialogue", _Dialled(sock)),
    )


def _refusal(kind: ProxyKind, exc: Exception) -> str:
    # What a SOCKS5 proxy says are numbers, and the words for them are python-socks'.
    code = getattr(exc, "error_code", None)
    if kind is ProxyKind.SOCKS5:
        return f"refused: {exc}" if code is not None else "did not let us in"
    is_status = isinstance(code, int) and 100 <= code <= 599
    return f"refused: HTTP status {code}" if is_status else "did not answer as an HTTP proxy does"


class _BrokenOff(Exception):  # noqa: N818 - it does not leave this module
    """The proxy's answer did not come to its end. Its text is ours."""


class _Dialled:
    """The connection to the proxy, as python-socks reads and writes it.

    Its own stream reads all that there is for an HTTP answer: what the mail server has said by then
    would be lost, and the rest of a head that comes in two pieces be taken for the server's words.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()

    async def connect(self, **_where: Any) -> _Dialled:
        """Return the connection itself."""
        return self

    async def write(self, data: bytes) -> None:
        """Send `data`."""
        await self._loop.sock_sendall(self._socket, data)

    async def read(self) -> bytes:
        """Return the head of an HTTP answer, and leave what follows where it is."""
        head = bytearray()
        while not head.endswith(b"\r\n\r\n"):
            if len(head) >= limits.PROXY_HEAD_BYTES:
                raise _BrokenOff(f"answered with a head of more than {len(head)} bytes")
            head += await self.read_exactly(1)
        return bytes(head)

    async def read_exactly(self, size: int) -> bytes:
        """Return `size` octets."""
        data = bytearray()
        while len(data) < size:
            piece = await self._loop.sock_recv(self._socket, size - len(data))
            if not piece:
                raise _BrokenOff("closed the connection")
            data += piece
        return bytes(data)

    async def close(self) -> None:
        """Leave the socket to whoever dialled it."""
