"""A proxy on loopback: SOCKS5 or HTTP CONNECT, with or without a password, and what it saw."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
from typing import Self

from securemail import Proxy, ProxyKind
from securemail.testing.listener import ADDRESS, Listener

OK = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"
GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


class ProxyServer:
    """Connects clients to the servers that it knows by name: (address, port) each.

    `asked` is what it was asked for, `relayed` what clients said through it. With `glued` its
    answer and the server's first words are one segment; with `slowly` its answer comes in octets.
    """

    def __init__(
        self,
        kind: ProxyKind,
        known: dict[str, str],
        *,
        login: tuple[str, str] | None = None,
        glued: bool = False,
        slowly: bool = False,
    ) -> None:
        self.kind, self.known, self.login = kind, known, login
        self.glued, self.slowly = glued, slowly
        self.asked: list[str] = []
        self.relayed = bytearray()
        self._listener = Listener(self._serve)

    def proxy(self, password: str = "") -> Proxy:
        name = self.login[0] if self.login and password else ""
        return Proxy(self.kind, ADDRESS, self._listener.port, username=name, password=password)

    async def __aenter__(self) -> Self:
        self._listener.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._listener.aclose()

    async def _serve(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        hello = self._socks(client) if self.kind is ProxyKind.SOCKS5 else self._http(client)
        if (wanted := await hello) is None:
            return
        host, port, granted = wanted
        self.asked.append(host)
        with socket.socket() as server:
            server.settimeout(0)
            await loop.sock_connect(server, (self.known[host], port))
            if self.glued:
                granted += await loop.sock_recv(server, 4096)
            for piece in (
                [granted[i : i + 1] for i in range(len(granted))] if self.slowly else [granted]
            ):
                await loop.sock_sendall(client, piece)
                await asyncio.sleep(0)
            there = asyncio.create_task(self._relay(client, server, is_upwards=True))
            back = asyncio.create_task(self._relay(server, client, is_upwards=False))
            try:
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.wait([there, back])

    async def _relay(self, source: socket.socket, to: socket.socket, *, is_upwards: bool) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(source, 65536):
            if is_upwards:
                self.relayed += data
            await loop.sock_sendall(to, data)

    async def _socks(self, client: socket.socket) -> tuple[str, int, bytes] | None:
        loop = asyncio.get_running_loop()
        _, count = await _exactly(client, 2)
        methods = await _exactly(client, count)
        method = 2 if self.login else 0
        if method not in methods:
            await loop.sock_sendall(client, b"\x05\xff")
            return None
        await loop.sock_sendall(client, bytes([5, method]))
        if self.login:
            _, size = await _exactly(client, 2)
            name = await _exactly(client, size)
            (size,) = await _exactly(client, 1)
            password = await _exactly(client, size)
            is_right = (name.decode(), password.decode()) == self.login
            await loop.sock_sendall(client, b"\x01\x00" if is_right else b"\x01\x01")
            if not is_right:
                return None
        _, _, _, kind = await _exactly(client, 4)
        if kind == 3:
            (size,) = await _exactly(client, 1)
            host = (await _exactly(client, size)).decode()
        else:
            host = str(ipaddress.ip_address(await _exactly(client, 4 if kind == 1 else 16)))
        port = int.from_bytes(await _exactly(client, 2), "big")
        if host not in self.known:
            await loop.sock_sendall(client, b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")
            return None
        return host, port, GRANTED

    async def _http(self, client: socket.socket) -> tuple[str, int, bytes] | None:
        loop = asyncio.get_running_loop()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await _exactly(client, 1)
        host, _, port = head.split()[1].decode().rpartition(":")
        if self.login:
            token = base64.b64encode(":".join(self.login).encode("latin-1"))
            if b"Proxy-Authorization: Basic " + token + b"\r\n" not in head:
                answer = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"
                await loop.sock_sendall(client, answer)
                return None
        if host not in self.known:
            await loop.sock_sendall(client, b"HTTP/1.1 502 No such host\r\n\r\n")
            return None
        return host, int(port), OK


async def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await asyncio.get_running_loop().sock_recv(sock, size - len(data))
        if not piece:
            raise ConnectionError("the client has left")
        data += piece
    return data
