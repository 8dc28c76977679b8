"""Nobody else is needed, and nobody else is told: the circle turns in a machine without a network."""

from __future__ import annotations

import ast
import ipaddress
import json
from typing import Any

import pytest

from tests.whole import tiny
from tests.whole.machine import inside

# Seen by every Python process of the run: where it connects, sends and asks for addresses.
WATCH = """
import os, sys
def watch(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        where = args[-1] if event in ("socket.connect", "socket.sendto") else args[0]
        with open(os.environ["WATCHED"], "a") as file:
            file.write(repr((event, where)) + "\\n")
sys.addaudithook(watch)
"""

# Loopback is brought up by hand (`ip` may not be there): SIOCSIFFLAGS, IFF_UP.
RUN = """
import fcntl, json, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
    sys.exit("there is a network")
except OSError as error:
    print(json.dumps(error.strerror), flush=True)
open(__import__("os").environ["WATCHED"], "w").close()
from aimass.cli.main import main
folder, project = sys.argv[1:]
main(["-w", folder + "/w", "run", project, "--quiet", "--json", folder + "/out.json"])
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """The outcome of a run without a network, and every address that was asked for."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH)
    watched = folder / "watched.txt"
    project = tiny.write(folder, tiny.PROJECT.replace('"linear", "mlp"', '"linear"'))
    env = {"PYTHONPATH": str(folder / "watch"), "WATCHED": str(watched)}
    assert "unreachable" in inside("net", RUN, folder, project, env=env)
    seen = [ast.literal_eval(line) for line in watched.read_text().splitlines()]
    return json.loads((folder / "out.json").read_text()), seen


def test_raw_rows_become_an_endpoint_without_a_network(alone: tuple[dict[str, Any], Any]) -> None:
    out, _ = alone
    assert out["release"]["version"] == "tiny@1" and out["endpoint"]["answer"]["label"] in ("yes", "no")


def test_nothing_but_this_machine_is_ever_called(alone: tuple[Any, list[tuple[str, Any]]]) -> None:
    _, seen = alone
    hosts = {where[0] if isinstance(where, tuple) else where for _, where in seen}
    assert hosts, "the client of the measurement connects to the endpoint"
    assert [h for h in hosts if not _is_here(h)] == []


def _is_here(host: Any) -> bool:
    if host in (None, "", b"", "localhost") or str(host).startswith("/"):
        return True
    return ipaddress.ip_address(host).is_loopback
