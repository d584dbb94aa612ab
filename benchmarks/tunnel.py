"""A line with a delay on which TCP itself waits: Nagle's algorithm and delayed ACKs show.

The proxy of `benchmarks/link.py` ends TCP and begins it anew. Here the packets are delayed, in a
network namespace of this process alone. It has one device, a TUN, behind which nothing is: what is
sent to `FAR` comes back a little later with its two addresses exchanged, which no checksum notices.
So `FAR` seems to have what listens on `ADDRESS`, at the end of a line of that length.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import struct
import subprocess
import threading
from pathlib import Path
from typing import Final

from tests.servers.dovecot_files import ADDRESS

FAR: Final = "127.77.1.2"
_DEVICE: Final = "line0"
_CLONE_NEWNET: Final = 0x40000000
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN: Final = 0x0001
_IFF_NO_PI: Final = 0x1000
_PACKET_BYTES: Final = 2048
_COMMANDS: Final = (
    "link set lo up",
    f"link set {_DEVICE} up",
    # In the table of what is here, of which 127.0.0.0/8 else is all.
    f"route add {FAR}/32 dev {_DEVICE} src {ADDRESS} table local",
)


def enter(delay_s: float) -> str | None:
    """Move this process, and those that it starts, to where `FAR` is; else return why not.

    To be called before there are other threads. Needs the rights of root.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        return f"no network namespace: {os.strerror(ctypes.get_errno())}"
    try:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        wanted = struct.pack("16sH14x", _DEVICE.encode(), _IFF_TUN | _IFF_NO_PI)
        fcntl.ioctl(device, _TUNSETIFF, wanted)
        for command in _COMMANDS:
            subprocess.run(["ip", *command.split()], check=True, capture_output=True)
        Path(f"/proc/sys/net/ipv4/conf/{_DEVICE}/route_localnet").write_text("1")
    except (OSError, subprocess.CalledProcessError) as exc:
        return f"no line: {exc}"
    threading.Thread(target=_relay, args=(device, delay_s), daemon=True).start()
    return None


def _relay(device: int, delay_s: float) -> None:
    loop = asyncio.new_event_loop()

    def take() -> None:
        packet = bytearray(os.read(device, _PACKET_BYTES))
        if packet[0] >> 4 == 4:  # the system greets by IPv6, too
            packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
            loop.call_later(delay_s, os.write, device, packet)

    loop.add_reader(device, take)
    loop.run_forever()
