"""Machines that are none: a network namespace a rank, on one bridge, each wire as slow as one likes.

Linux, root, `ip` and `tc` with the qdisc tbf.  The limit is on both ends of each wire, and is proved by copying 64 MB
through a raw socket before anything else is measured.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

BRIDGE, IFNAME, PORT = "aimass0", "eth0", 29400
MEGABYTES = 64
COPY = 1 << 16  # bytes a call


class Net:
    """RANKS namespaces while the context lasts; RATE in Mbit/s, 0 for no limit.  Whatever was left is removed first."""

    def __init__(self, ranks: int, rate: float) -> None:
        self.ranks, self.rate = ranks, rate

    def __enter__(self) -> Net:
        self._remove()
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "link", "set", BRIDGE, "up")
        for rank in range(self.ranks):
            self._add(rank)
        return self

    def __exit__(self, *raised: object) -> None:
        self._remove()

    def _add(self, rank: int) -> None:
        space, inside = self.space(rank), ("ip", "netns", "exec", self.space(rank))
        run("ip", "netns", "add", space)
        run("ip", "link", "add", f"{BRIDGE}-{rank}", "type", "veth", "peer", "name", IFNAME, "netns", space)
        run("ip", "link", "set", f"{BRIDGE}-{rank}", "master", BRIDGE, "up")
        run(*inside, "ip", "address", "add", f"{self.host(rank)}/24", "dev", IFNAME)
        for name in ("lo", IFNAME):
            run(*inside, "ip", "link", "set", name, "up")
        if self.rate:
            limit = ("root", "tbf", "rate", f"{self.rate:g}mbit", "burst", f"{self.burst}", "latency", "100ms")
            run(*inside, "tc", "qdisc", "add", "dev", IFNAME, *limit)
            run("tc", "qdisc", "add", "dev", f"{BRIDGE}-{rank}", *limit)

    @property
    def burst(self) -> int:
        """Bytes that may pass at once: a millisecond of the rate, and no less than a segment the kernel sends."""
        return max(1 << 16, int(self.rate * 1e6 / 8 / 1000))

    def _remove(self) -> None:
        for rank in range(self.ranks):
            subprocess.run(["ip", "netns", "delete", self.space(rank)], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False, stderr=subprocess.DEVNULL)

    def space(self, rank: int) -> str:
        return f"aimass-{rank}"

    def host(self, rank: int) -> str:
        return f"10.77.0.{rank + 1}"

    def command(self, rank: int, *words: str) -> list[str]:
        """WORDS as they are run in the namespace of RANK."""
        return ["ip", "netns", "exec", self.space(rank), *words]

    def prove(self) -> float:
        """Mbit/s of a raw copy from rank 0 to rank 1."""
        script = str(Path(__file__))
        server = subprocess.Popen(self.command(1, sys.executable, script, "take", self.host(1)))
        told = subprocess.run(
            self.command(0, sys.executable, script, "give", self.host(1)), check=True, capture_output=True, text=True
        )
        server.wait(10)
        return float(told.stdout)


def why_not() -> str:
    """Why there can be no namespaces here, or ''."""
    missing = [name for name in ("ip", "tc") if not shutil.which(name)]
    if sys.platform != "linux" or missing:
        return f"{' and '.join(missing) or 'Linux'} is needed (iproute2)"
    if os.geteuid():
        return "root is needed"
    try:
        with Net(1, 100):
            return ""
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stderr.decode().strip()}"


def run(*words: str) -> None:
    subprocess.run(words, check=True, stderr=subprocess.PIPE)


def sent() -> int:
    """Bytes that this namespace has put on its wire."""
    return int(Path(f"/sys/class/net/{IFNAME}/statistics/tx_bytes").read_text())


def take(host: str) -> None:
    with socket.create_server((host, PORT)) as server:
        end, _ = server.accept()
        with end:
            while end.recv(COPY):
                pass
            end.sendall(b"!")


def give(host: str) -> None:
    for _ in range(200):
        try:
            end = socket.create_connection((host, PORT))
            break
        except OSError:
            time.sleep(0.02)
    else:
        raise SystemExit(f"nobody listens at {host}")
    with end:
        begun, block = time.perf_counter(), b"x" * COPY
        for _ in range(MEGABYTES * 1_000_000 // COPY):
            end.sendall(block)
        end.shutdown(socket.SHUT_WR)
        end.recv(1)
        print(MEGABYTES * 8 / (time.perf_counter() - begun))


if __name__ == "__main__":
    {"take": take, "give": give}[sys.argv[1]](sys.argv[2])
