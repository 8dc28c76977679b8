"""One of several servers: the application, answering at a port of its own and to Ray's proxy, on one event loop."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve._private import replica as ray_replica

from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace
from aimass.serve.access.door import Door, is_loopback
from aimass.serve.app import App
from aimass.serve.feedback import Feedback
from aimass.serve.listening import where_of
from aimass.serve.messages import Answer, Refused, Request, json_answer
from aimass.serve.observe.settings import Observing
from aimass.serve.predictor import Wanted, load
from aimass.serve.ray.centre import NAMESPACE
from aimass.serve.ray.proxied import Proxied
from aimass.serve.ray.scale import LIMIT, UNDER_WAY
from aimass.serve.ray.several import Several
from aimass.serve.server import GRACE, LINGER, Server
from aimass.serve.sockets import bind, listen
from aimass.serve.versions.published import registry_of
from aimass.serve.versions.repository import Repository
from aimass.serve.workers.follower import needed

END = GRACE + LINGER + 10  # seconds that Ray gives a replica to end
REPLICAS = "/v1/replicas"


@dataclass(frozen=True)
class Told:
    """What a replica has to know: WORKSPACE as its url, MODEL as name@version, HOST to listen on.

    OWNER is the command that wants it.
    """

    workspace: str
    model: str
    host: str
    observing: Observing = Observing()
    door: Door = Door()
    owner: str = ""

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
def opened(told: Told, several: Several, plans: Mapping[str, Any] | None) -> Iterator[Server]:
    """A server of what was TOLD, or of PLANS once there are any, listening on a free port.  Raises InputError."""
    place = Workspace.reopen(told.workspace)
    repository = registry_of(place)
    with ExitStack() as ending:
        bound = bind(told.host, 0)
        ending.callback(bound.close)
        observers = told.observing.begin()
        ending.callback(observers.close)
        door = told.door.open()
        ending.callback(door.close)
        ready_made = partial(load, log_to=place.folder, wrappers=[told.observing.log], observers=observers.all)
        app = App([ready_made(one) for one in _wanted(told, plans, repository)], repository=repository, load=ready_made,
                  observers=observers, feedback=Feedback(place.folder), whole=several)  # fmt: skip
        ending.callback(app.close)
        listen(bound, told.host)
        shown = told.host if is_loopback(told.host) else _address()
        where = where_of(bound, "https" if told.door.tls else "http", shown, told.model)
        yield Server(app, [bound], where, lambda where: None, opened=door)


def _wanted(told: Told, plans: Mapping[str, Any] | None, repository: Repository) -> list[Wanted]:
    name, _, version = told.model.partition("@")
    try:
        return needed(plans, [repository.find(name, version)] if plans is None else [], repository)
    except Refused as error:  # a version that was served is not there any more
        raise InputError(str(error), expected=str(error.body.get("expected", ""))) from error


def stay_at_home() -> None:
    """Where Ray is at loopback, so is the port of a replica for other deployments: Ray opens it at every address.

    Ray has no setting for it; the test of what listens would see when this ceased to work.
    """
    if is_loopback(ray.util.get_node_ip_address()):  # type: ignore[no-untyped-call]
        inside: Any = ray_replica
        add = inside.add_port_to_grpc_server
        inside.add_port_to_grpc_server = lambda server, at: add(server, at.replace("[::]", "127.0.0.1"))


class Replica:
    """A server of what was TOLD; the centre hears where it answers, and says what it serves.  Raises InputError."""

    server: Server
    url: str
    serving: asyncio.Task[None]
    following: asyncio.Task[None]

    async def __init__(self, told: Told) -> None:  # type: ignore[misc]  # Ray awaits it
        self.told, self.centre = told, ray.get_actor(told.app, namespace=NAMESPACE)
        stay_at_home()
        self.several = Several(self.centre, told.owner, str(serve.get_replica_context().replica_id.unique_id))
        self.ending = ExitStack()
        plans = json.loads(await self.centre.plans.remote(told.owner))
        self.server = self.ending.enter_context(opened(told, self.several, plans))
        self.url = self.server.where.url
        self.server.app.paths.fixed[REPLICAS] = {"GET": self._replicas}
        self.server.crowd.duties.append(self._report)
        gc.collect()
        gc.freeze()
        self.following = asyncio.create_task(self.several.follow(self.server.app, self.url))
        await self.several.begun.wait()
        listening = asyncio.get_running_loop().create_future()
        self.server.ready = lambda where: listening.set_result(None)
        self.serving = asyncio.create_task(self.server.until_stopped())
        await asyncio.wait([self.serving, listening], return_when=asyncio.FIRST_COMPLETED)
        self.check_health()

    def _report(self) -> None:
        if not self.server.app.draining:
            self.reporting = asyncio.create_task(self.several.report())

    async def _replicas(self, request: Request) -> Answer:
        try:
            return json_answer({"urls": await self.centre.urls.remote(), "here": self.url})
        except RayError as error:  # it is about to be started again
            raise Refused(503, "who knows all replicas does not answer", to_do="ask again") from error

    # -- what Ray asks ----------------------------------------------------------------------------------------

    def check_health(self) -> None:
        """Raises RuntimeError, or what ended the server, when it is not ready."""
        for one in (self.serving, self.following):
            if one.done():
                one.result()
        if self.several.error is not None:
            raise self.several.error
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
        self.server.stop()
        await self.several.leave()
        await self.serving
        self.following.cancel()
        self.ending.close()


def deployment(told: Told, options: dict[str, Any]) -> Any:
    """What Ray Serve runs.  A replica that has died is noticed within a second or two."""
    made: Any = serve.deployment(
        serve.ingress()(Replica), name=told.name, health_check_period_s=1, health_check_timeout_s=10,
        graceful_shutdown_timeout_s=END, graceful_shutdown_wait_loop_s=0.1, max_constructor_retry_count=3,
        max_ongoing_requests=LIMIT, max_surge_percent=25, **options,
    )  # fmt: skip
    return made.bind(told)
