"""A cluster that runs, asks for a token and speaks TLS to callers: one command takes over from another there."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.serve.access.certificates import made
from tests.serve.ray.conftest import commanded
from tests.serve.ray.test_ray import INFER, processes, tensors

# What `aimass serve NAME --on ...` does, without Ray's client (ray://): that takes many seconds to begin on few cores.
COMMAND = """
import json, sys
from pathlib import Path
from aimass.runner.workspace import Workspace
from aimass.serve.access.door import door
from aimass.serve.ray.endpoint import serve_on_ray
from aimass.serve.ray.replica import Told
workspace, model, on, port, cert, key = sys.argv[1:]
told = Told(Workspace(workspace).url, model, "127.0.0.1", door=door(None, Path(cert), Path(key), None))
serve_on_ray(told, on=on, port=int(port), replicas="1", ready=lambda facts: print(json.dumps(facts), flush=True))
"""


class Cluster(NamedTuple):
    address: str
    env: dict[str, str]


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head as `ray start` makes it, which lets in only those who know its token."""
    env = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    at = free()
    words = {"node-ip-address": "127.0.0.1", "port": at, "num-cpus": 4, "include-dashboard": "false",
             "object-store-memory": 80 << 20}  # fmt: skip
    options = [f"--{name}={value}" for name, value in words.items()]
    command = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    head = subprocess.Popen(
        [*command, "start", "--head", "--block", "--disable-usage-stats", *options], env=env, **quiet
    )
    try:
        over = time.monotonic() + 60
        while not listens(at):
            assert head.poll() is None and time.monotonic() < over
            time.sleep(0.1)
        yield Cluster(f"127.0.0.1:{at}", env)
    finally:
        for pid in processes(head.pid):  # at once: `ray start` takes half a minute to end by itself
            os.kill(pid, signal.SIGKILL)
        head.wait(60)


def listens(port: int) -> bool:
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class Caller:
    """Asks replicas of which it knows, and learns of others from them; who is gone is forgotten."""

    def __init__(self, urls: list[str], trusted: ssl.SSLContext) -> None:
        self.known, self.trusted = set(urls), trusted
        self.answers: list[tuple[int, str]] = []

    def ask(self, url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPSConnection(url.removeprefix("https://"), timeout=30, context=self.trusted)
        try:
            connection.request(method, path, body and json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def once(self) -> None:
        for url in sorted(self.known):
            try:
                self.known |= set(self.ask(url, "GET", "/v1/replicas")[1]["urls"])
                status, said = self.ask(url, "POST", INFER, tensors())
            except OSError:
                self.known.remove(url)
            else:
                self.answers.append((status, said["model_version"]))
        assert self.known

    def until(self, over: threading.Event) -> None:
        while not over.is_set():
            self.once()
        self.once()


@pytest.mark.slow  # a cluster, and two commands
def test_another_command_takes_over_behind_tls_and_no_request_is_lost(
    cluster: Cluster, published: Path, tmp_path: Path
) -> None:
    files, over, port = made(tmp_path, "server"), threading.Event(), str(free())
    words = (cluster.address, port, str(files.cert), str(files.key))
    with commanded("-c", COMMAND, str(published), "flights@1", *words, env=cluster.env) as (first, facts):
        caller = Caller(facts["urls"], ssl.create_default_context(cafile=files.cert))
        caller.once()
        assert facts["urls"][0].startswith("https://") and caller.answers == [(200, "1")]
        assert facts["url"] == "" and through_the_proxy(port) == 404  # it knows nothing of certificates
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(caller.until, over)
            try:
                with commanded("-c", COMMAND, str(published), "flights@2", *words, env=cluster.env) as (second, after):
                    assert first.wait(60) == 0 and second.poll() is None
                    assert not set(after["urls"]) & set(facts["urls"])
                    over.set()
                    asked.result()
            finally:
                over.set()
        assert {status for status, _ in caller.answers} == {200} and caller.answers[-1][1] == "2"
        assert caller.known == set(after["urls"])


def through_the_proxy(port: str) -> int:
    connection = http.client.HTTPConnection(f"127.0.0.1:{port}", timeout=30)
    try:
        connection.request("GET", "/v2/health/live")
        return connection.getresponse().status
    finally:
        connection.close()
