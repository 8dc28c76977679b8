"""`aimass serve NAME --on ray`: deploys the replicas, says where they answer, and takes them away at the end.

"ray" is a Ray of its own on this machine, at loopback, which ends with the command; "ray://host:port" is a cluster that
runs.  There the same command with another version replaces the replicas one after the other, and the one before ends.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from aimass.core.errors import InputError, TaskFailed
from aimass.serve.access.door import is_loopback
from aimass.serve.ray.centre import NAMESPACE, Centre
from aimass.serve.ray.replica import REPLICAS, Told, deployment
from aimass.serve.ray.scale import scaled
from aimass.serve.sockets import bind

PATIENCE = 30.0  # seconds for replicas that run to say where, and for Ray's proxy to know them
OBJECTS = 80 << 20  # bytes of shared memory: requests do not go through it


def serve_on_ray(told: Told, *, on: str, port: int, replicas: str, ready: Callable[[dict[str, Any]], None]) -> None:
    """Answer with replicas of what is TOLD until SIGTERM, SIGINT, or another command that serves the same name.

    ON is "ray" or "ray://host:port"; PORT is that of Ray's proxy; REPLICAS a number or the least and the most, 1..4.
    READY is called with `urls` once all answer, and with `url`, the proxy's, where there is one.  Raises InputError
    for settings that cannot be, TaskFailed when the replicas do not come up.
    """
    options, least = scaled(replicas), int(replicas.partition("..")[0])
    with cluster(on, told.host, least), stopping() as stop:
        port = port or free(told.host)
        centre, owner = shared(told), secrets.token_hex(8)
        told = replace(told, owner=owner)
        ray.get(centre.own.remote(owner))
        try:
            deploy(told, options, port)
            urls = until(lambda: _all(centre, owner, least), f"{least} replicas of {told.model} to answer")
            url = "" if told.guarded else until(lambda: proxied(on, told.host, port), "Ray's proxy to answer")
            ready({"ready": True, "url": url, "urls": urls, "pid": os.getpid(), "model": told.model})
            stop.waited = True
            while not stop.heard.wait(1) and ours(centre, owner):
                pass
        finally:
            if ours(centre, owner):
                serve.delete(told.app)
                ray.kill(centre)


def say(facts: dict[str, Any]) -> None:
    """Tell a person."""
    name = facts["model"].partition("@")[0]
    for url in facts["urls"]:
        print(f"{facts['model']} answers at {url}/v1/predict/{name}", flush=True)
    if facts["url"]:
        print(f"all of them, through Ray's proxy: {facts['url']}   who they are: {facts['url']}{REPLICAS}", flush=True)
    print("end it: Ctrl-C", flush=True)


class Stop:
    """SIGINT and SIGTERM: the first one that is WAITED for is HEARD, any other ends what is under way."""

    def __init__(self) -> None:
        self.waited, self.heard = False, threading.Event()

    def __call__(self, number: int, frame: Any) -> None:
        if not self.waited or self.heard.is_set():
            raise KeyboardInterrupt
        self.heard.set()


@contextmanager
def stopping() -> Iterator[Stop]:
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)


@contextmanager
def cluster(on: str, host: str, replicas: int) -> Iterator[None]:
    """Connected to Ray as ON says.  Raises InputError."""
    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)
    own = on == "ray"
    try:
        if own:
            ray.init(address="local", include_dashboard=False, log_to_driver=False, object_store_memory=OBJECTS,
                     num_cpus=max(os.cpu_count() or 1, replicas), _node_ip_address="127.0.0.1")  # fmt: skip
        else:
            ray.init(address=on, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {on}: {error}", expected="ray, or ray://host:port of a running cluster",
            todo="check the address (the port is that of `ray start --ray-client-server-port`) and RAY_AUTH_TOKEN",
            key="on",
        ) from error  # fmt: skip
    try:
        _check_reachable(on, host)
        yield
    finally:
        if own:
            serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()


def _check_reachable(on: str, host: str) -> None:
    """Raises InputError when others cannot reach replicas that listen at HOST."""
    machines = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]
    at = on.removeprefix("ray://").rpartition(":")[0].strip("[]")
    if is_loopback(host) and (len(machines) > 1 or (at and not is_loopback(at))):
        raise InputError(
            f"replicas on other machines cannot be reached at {host}", expected="an address to listen on",
            todo="--host 0.0.0.0 listens on every address of each machine; see docs/access.md before that", key="host",
        )  # fmt: skip


def shared(told: Told) -> Any:
    """The actor in the middle of what is TOLD; it outlives the command so that another can take over."""
    options = {"name": told.app, "namespace": NAMESPACE, "get_if_exists": True, "lifetime": "detached"}
    return ray.remote(Centre).options(**options, num_cpus=0, max_restarts=-1).remote()


def ours(centre: Any, owner: str) -> bool:
    """Whether no other command has taken over from OWNER."""
    try:
        now = ray.get(centre.owned.remote())
        if not now:  # the actor was started again
            ray.get(centre.own.remote(owner))
        return now in ("", owner)
    except RayError:  # it is about to be
        return True


def deploy(told: Told, options: dict[str, Any], port: int) -> None:
    """Return when the replicas are healthy.  Raises TaskFailed.

    Keys and TLS belong to a replica's own port: where they are asked for, Ray's proxy leads nowhere.
    """
    try:
        serve.start(proxy_location="EveryNode", http_options={"host": told.host, "port": port})
        serve.run(deployment(told, options), name=told.app, route_prefix=None if told.guarded else "/")
    except (RayError, RayServeException, RuntimeError, ValueError) as error:
        raise TaskFailed(
            f"the replicas of {told.model} do not come up: {error}",
            expected="a workspace that all machines reach, and nothing else at / of Ray's proxy",
            todo="see what the replica says: logs/serve in the folder of Ray's session",
        ) from error


def free(host: str) -> int:
    """A port of HOST that nobody has."""
    with bind(host, 0) as bound:
        return int(bound.getsockname()[1])


def until(found: Callable[[], Any], what: str) -> Any:
    """What is FOUND, once it is something.  Raises TaskFailed after a while."""
    over = time.monotonic() + PATIENCE
    while time.monotonic() < over:
        something = found()
        if something:
            return something
        time.sleep(0.1)
    raise TaskFailed(f"waited {PATIENCE:.0f} s for {what}", expected="less", todo="see logs/serve of Ray's session")


def _all(centre: Any, owner: str, least: int) -> list[str]:
    urls: list[str] = ray.get(centre.urls.remote(owner))
    return urls if len(urls) >= least else []


def proxied(on: str, host: str, port: int) -> str:
    """The address at which Ray's proxy leads to a replica; none while it does not."""
    at = host if is_loopback(host) or on == "ray" else on.removeprefix("ray://").rpartition(":")[0]
    url = f"http://[{at}]:{port}" if ":" in at and at[0] != "[" else f"http://{at}:{port}"
    with suppress(OSError, ValueError), urllib.request.urlopen(url + REPLICAS, timeout=5) as answer:
        return url if "here" in json.loads(answer.read()) else ""
    return ""
