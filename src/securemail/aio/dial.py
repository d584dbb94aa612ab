"""From an endpoint to a TCP connection: Happy Eyeballs (RFC 8305), or by way of a proxy."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import chain, zip_longest
from typing import Final

from securemail.account import Endpoint
from securemail.aio.tunnel import open_tunnel
from securemail.errors import ConnectError
from securemail.proxy import Proxy

# RFC 8305 section 5: long enough for a healthy server to answer, short enough not to be felt.
ATTEMPT_DELAY_S: Final = 0.25


async def dial(
    endpoint: Endpoint,
    protocol: asyncio.BaseProtocol,
    addresses: Iterable[str],
    *,
    proxy: Proxy | None = None,
) -> None:
    """Connect `protocol` to `endpoint`: the first of `addresses` that answers.

    With a `proxy` they are the proxy's, and it is told the host, or the first address that the
    endpoint has of its own.

    Raises: ConnectError with what each address said.
    """
    if proxy is None:
        sock = await _first(str(endpoint), endpoint.port, addresses, phase="connect")
    else:
        sock = await _tunnelled(endpoint, addresses, proxy)
    try:
        # Nagle's algorithm costs 1.1 round trips in a STARTTLS session.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().create_connection(lambda: protocol, sock=sock)
    except OSError as exc:
        sock.close()
        raise ConnectError(f"cannot connect to {endpoint}: {exc}", phase="connect") from exc
    except BaseException:
        sock.close()
        raise


async def _tunnelled(endpoint: Endpoint, addresses: Iterable[str], proxy: Proxy) -> socket.socket:
    sock = await _first(str(proxy), proxy.port, addresses, phase="proxy")
    try:
        host = next(iter(endpoint.addresses), endpoint.host)
        await open_tunnel(proxy, sock, host, endpoint.port)
    except BaseException:
        sock.close()
        raise
    return sock


def interleave(addresses: Iterable[str]) -> list[str]:
    """Return the addresses with their families taking turns, the first one's first (section 4)."""
    families: dict[bool, list[str]] = {}
    for address in addresses:
        families.setdefault(_is_v6(address), []).append(address)
    turns = zip_longest(*families.values())
    return [address for address in chain.from_iterable(turns) if address is not None]


def _is_v6(address: str) -> bool:
    return ":" in address


async def _first(where: str, port: int, addresses: Iterable[str], *, phase: str) -> socket.socket:
    ordered = interleave(addresses)
    if len(ordered) == 1:
        return await _alone(where, ordered[0], port, phase=phase)
    return await _race(where, port, ordered, phase=phase)


async def _race(where: str, port: int, addresses: Iterable[str], *, phase: str) -> socket.socket:
    waiting = deque(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    failures: dict[str, str] = {}
    winner: socket.socket | None = None
    try:
        while waiting or running:
            if waiting:
                address = waiting.popleft()
                running.add(asyncio.create_task(_attempt(address, port), name=address))
            await asyncio.wait(
                running,
                timeout=ATTEMPT_DELAY_S if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in [task for task in running if task.done()]:
                running.discard(task)
                failure = task.exception()
                if failure is None and winner is None:
                    winner = task.result()
                elif failure is None:
                    task.result().close()
                else:
                    failures[task.get_name()] = _words(failure)
            if winner is not None:
                break
        await _call_off(running)
    except BaseException:
        if winner is not None:
            winner.close()
        await _call_off(running)
        raise
    if winner is not None:
        return winner
    raise _unreachable(where, failures, phase=phase)


async def _alone(where: str, address: str, port: int, *, phase: str) -> socket.socket:
    """Connect to the only address that there is: a race of one takes two tasks' turns more."""
    try:
        return await _attempt(address, port)
    except OSError as exc:
        raise _unreachable(where, {address: _words(exc)}, phase=phase) from exc


def _unreachable(where: str, failures: Mapping[str, str], *, phase: str) -> ConnectError:
    tried = "; ".join(f"{address}: {why}" for address, why in failures.items())
    return ConnectError(f"cannot connect to {where} ({tried or 'no address'})", phase=phase)


async def _attempt(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if _is_v6(address) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
        _refuse_itself(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _refuse_itself(sock: socket.socket) -> None:
    """Refuse a socket that is connected to itself.

    While a server on this computer is down, the system may give its port to whoever dials it: TCP
    then connects the two ends of one socket, and keeps the server from coming back.
    """
    if sock.getsockname() == sock.getpeername():
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))


def _words(failure: BaseException) -> str:
    number = getattr(failure, "errno", None)
    return os.strerror(number) if number else str(failure)


async def _call_off(running: set[asyncio.Task[socket.socket]]) -> None:
    """End the attempts that did not win; two may have connected at the same moment."""
    for task in running:
        task.cancel()
        task.add_done_callback(_close_socket)
    if running:
        await asyncio.wait(running)


def _close_socket(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
