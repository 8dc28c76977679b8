"""One of several servers: the application, answering at a port of its own and to Ray's proxy, on one event loop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray import serve
from ray.serve._private import replica as ray_replica

from aimass.publish.registry import find_release
from aimass.runner.workspace import Workspace
from aimass.serve.access.door import Door, is_loopback
from aimass.serve.app import App
from aimass.serve.feedback import Feedback
from aimass.serve.listening import where_of
from aimass.serve.messages import Answer, Receive, Request, Scope, Send, json_answer
from aimass.serve.observe.settings import Observing
from aimass.serve.predictor import Wanted, load
from aimass.serve.ray.addresses import NAMESPACE
from aimass.serve.ray.scale import LIMIT, UNDER_WAY
from aimass.serve.ray.several import Several
from aimass.serve.server import GRACE, LINGER, Server
from aimass.serve.sockets import bind, listen

END = GRACE + LINGER + 10  # seconds that Ray gives a replica to end
REPLICAS = "/v1/replicas"


@dataclass(frozen=True)
class Told:
    """What a replica has to know: WORKSPACE as its url, MODEL as name@version, HOST to listen on."""

    workspace: str
    model: str
    host: str
    observing: Observing = Observing()
    door: Door = Door()

    @property
    def name(self) -> str:
        return self.model.partition("@")[0]

    @property
    def app(self) -> str:
        """What Ray calls it."""
        return f"aimass-{self.name}"

    @property
    def guarded(self) -> bool:
        """Whether keys or certificates are asked for: then nobody is let in another way."""
        return self.door.keys is not None or self.door.tls is not None


def _address() -> str:
    """Of this machine, as the others of the cluster know it."""
    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]


@contextmanager
def opened(told: Told) -> Iterator[Server]:
    """A server of what was TOLD, listening on a free port.  Raises InputError."""
    place = Workspace.reopen(told.workspace)
    release, number = find_release(place, told.model)
    with ExitStack() as ending:
        bound = bind(told.host, 0)
        ending.callback(bound.close)
        observers = told.observing.begin()
        ending.callback(observers.close)
        door = told.door.open()
        ending.callback(door.close)
        served = load(Wanted(release.folder, told.name, number), log_to=place.folder, wrappers=[told.observing.log],
                      observers=observers.all)  # fmt: skip
        ending.callback(served.close)
        several = Several()
        several.app = app = App([served], repository=several, observers=observers, feedback=Feedback(place.folder),
                                whole=several)  # fmt: skip
        ending.callback(app.close)
        listen(bound, told.host)
        shown = told.host if is_loopback(told.host) else _address()
        where = where_of(bound, "https" if told.door.tls else "http", shown, told.model)
        yield Server(app, [bound], where, lambda where: None, opened=door)


class Proxied:
    """What Ray's proxy calls: requests go to APP as they are; a beginning, an end, and no web sockets."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)
        elif scope["type"] == "lifespan":
            for expected in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{expected}.complete"})
        else:
            await send({"type": "websocket.close", "code": 1003, "reason": "there are no web sockets here"})


def stay_at_home() -> None:
    """Where Ray is at loopback, so is the port of a replica for other deployments: Ray opens it at every address.

    Ray has no setting for it; the test of what listens would see when this ceased to work.
    """
    if is_loopback(ray.util.get_node_ip_address()):  # type: ignore[no-untyped-call]
        inside: Any = ray_replica
        add = inside.add_port_to_grpc_server
        inside.add_port_to_grpc_server = lambda server, at: add(server, at.replace("[::]", "127.0.0.1"))


class Replica:
    """A server of what was TOLD; the actor of `Addresses` hears where it answers.  Raises InputError."""

    async def __init__(self, told: Told) -> None:  # type: ignore[misc]  # Ray awaits it
        self.told, self.addresses = told, ray.get_actor(told.app, namespace=NAMESPACE)
        self.id = str(serve.get_replica_context().replica_id.unique_id)
        stay_at_home()
        self.ending = ExitStack()
        self.server = self.ending.enter_context(opened(told))
        self.url = self.server.where.url
        self.server.app.paths.fixed[REPLICAS] = {"GET": self._replicas}
        self.server.crowd.duties.append(self._tell)
        gc.collect()
        gc.freeze()
        listening = asyncio.get_running_loop().create_future()
        self.server.ready = lambda where: listening.set_result(None)
        self.serving = asyncio.create_task(self.server.until_stopped())
        await asyncio.wait([self.serving, listening], return_when=asyncio.FIRST_COMPLETED)
        self.check_health()

    def _tell(self) -> None:
        if not self.server.app.draining:
            self.addresses.tell.remote(self.id, self.url, self.told.model)

    async def _replicas(self, request: Request) -> Answer:
        return json_answer({"urls": await self.addresses.urls.remote(), "here": self.url})

    # -- what Ray asks ----------------------------------------------------------------------------------------

    def check_health(self) -> None:
        """Raises RuntimeError, or what ended the server, when it is not ready."""
        if self.serving.done():
            self.serving.result()
        if self.serving.done() or self.server.app.draining:
            raise RuntimeError(f"{self.url} does not answer any more")

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Requests under way that came directly."""
        return {UNDER_WAY: float(self.server.crowd.under_way)}

    def __serve_build_asgi_app__(self) -> Any:
        return Proxied(self.server.app)

    async def __del__(self) -> None:
        """Answer what was asked, then end; Ray calls and awaits it."""
        if not hasattr(self, "serving"):
            return
        self.addresses.forget.remote(self.id)
        self.server.stop()
        await self.serving
        self.ending.close()


def deployment(told: Told, options: dict[str, Any]) -> Any:
    """What Ray Serve runs.  A replica that has died is noticed within a second or two."""
    made: Any = serve.deployment(
        serve.ingress()(Replica), name=told.name, health_check_period_s=1, health_check_timeout_s=10,
        graceful_shutdown_timeout_s=END, graceful_shutdown_wait_loop_s=0.1, max_constructor_retry_count=3,
        max_ongoing_requests=LIMIT, max_surge_percent=25, **options,
    )  # fmt: skip
    return made.bind(told)
