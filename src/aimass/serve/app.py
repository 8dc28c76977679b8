"""The ASGI application: every answer is whole, sized and in JSON, mistakes included.

Knows which path belongs to which protocol; the protocols know the models.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from aimass.serve.access.sight import sees
from aimass.serve.batch.base import Ask
from aimass.serve.explaining.route import Explaining
from aimass.serve.failures import meaning
from aimass.serve.feedback import Feedback
from aimass.serve.http.bridge import Bridge
from aimass.serve.http.crowd import Numbers
from aimass.serve.http.heads import Head
from aimass.serve.http.limits import Limits
from aimass.serve.messages import Answer, Receive, Refused, Request, Scope, Send, json_answer
from aimass.serve.observe.settings import Observers
from aimass.serve.observe.vitals import Vitals
from aimass.serve.parameters import Live
from aimass.serve.paths import HOT, OF_V2, Answering, Paths, Place, hot, told
from aimass.serve.pending import waited
from aimass.serve.predictor import Served, Wanted, load
from aimass.serve.seen import Seen
from aimass.serve.v1.facts import Told
from aimass.serve.v2.facts import Facts
from aimass.serve.v2.lacking import places as lacking
from aimass.serve.versions.api import Api, body_of
from aimass.serve.versions.deployment import Deployment
from aimass.serve.versions.life import Life
from aimass.serve.versions.prove import Probation
from aimass.serve.versions.repository import Given, Repository
from aimass.serve.versions.traffic import ASKED
from aimass.serve.versions.version import Route, Version
from aimass.serve.whole import Alone, Whole

if TYPE_CHECKING:
    from aimass.serve.explaining.beside import Beside
    from aimass.serve.explaining.explanations import Explanations

MAX_BODY = Limits().body  # bytes, unpacked
MAX_ROWS = 10_000  # in one request
HTML = b"text/html; charset=utf-8"


class App:
    """Answers for MODELS and what REPOSITORY has beside them, made ready by LOAD once PROVE has nothing against it.

    Set `draining` when it is to end: it is not ready any more, answers close connections.
    """

    def __init__(
        self, models: Sequence[Served], *, repository: Repository | None = None,
        load: Callable[[Wanted], Served] = load, prove: Callable[[Wanted], Awaitable[Any]] = Probation(),
        max_body: int = MAX_BODY, max_rows: int = MAX_ROWS, observers: Observers = Observers(),
        feedback: Feedback | None = None, whole: Whole | None = None,
    ) -> None:  # fmt: skip
        self.max_body = max_body
        self.draining, self.observers = False, observers
        self.bridge, self.number = Bridge(self), Numbers()
        self.door: Callable[[], dict[str, Any]] = dict  # what is worth saying of keys and certificates
        self.changed: list[Callable[[], None]] = []  # told when requests have to find their way anew
        self.life = Life(
            repository or Given(model.wanted for model in models), prove=prove, load=load,
            version=lambda served: self.live.dressed(Version(served, max_rows, max_body, self._explained)),
            changed=self._changed,
        )  # fmt: skip
        self.live = Live(self.life.versions, self.life.trials)
        self.life.begin(models)
        self.vitals = Vitals(self.life.counted)
        self.whole = whole or Alone(self.life, self.seen, self.live, lambda: self.explanations.jobs)
        self.facts = Facts(self.life, self.whole, lambda: not self.draining)
        self.api = Api(self.life, self.whole)
        self.explaining = Explaining(self.facts.find, lambda: self.explanations, self.whole)
        self.feedback, v1 = feedback or Feedback(), Told(self.facts)
        more = (
            self.api.places(), self.explaining.places(), v1.places(), self.feedback.places(self.facts.find), lacking(),
        )  # fmt: skip
        self.paths = Paths(
            {**self._fixed(), **self.api.fixed(), **v1.fixed()}, [*self._places(), *chain.from_iterable(more)]
        )

    def _fixed(self) -> dict[str, dict[str, Answering]]:
        return {
            "/": {"GET": self._docs},
            "/v1/docs": {"GET": self._docs},
            "/v1/health": {"GET": self._health},
            "/metrics": {"GET": self._metrics},
            "/v2": {"GET": told(self.facts.server)},
            "/v2/health/live": {"GET": told(lambda: {"live": True})},
            "/v2/health/ready": {"GET": self._ready},
            "/v2/models/stats": {"GET": self._stats},
            "/v1/parameters": {"GET": self._parameters, "PATCH": self._set},
            "/v1/parameters/undo": {"POST": self._undo},
        }

    def _places(self) -> list[Place]:
        facts = {"": told(self.facts.metadata), "/config": told(self.facts.config), "/stats": self._stats}
        return [
            *(Place(pattern, {"POST": self._inferred}, self.facts.find) for _, pattern in HOT),
            *(Place(re.compile(OF_V2 + path), {"GET": says}, self.facts.find) for path, says in facts.items()),
            Place(re.compile(OF_V2 + "/ready"), {"GET": self._ready}),
        ]

    @property
    def deployments(self) -> Mapping[str, Deployment]:
        return self.life.deployments

    def close(self) -> None:
        """Finish what was begun, flush logs, end processes."""
        if "explanations" in vars(self):
            self.explanations.close()
        self.feedback.close()
        for model in self.life.models:
            model.close()

    @cached_property
    def explanations(self) -> Explanations:
        """What explains; loaded when somebody asks for it."""
        from aimass.serve.explaining.explanations import Explanations

        return Explanations()

    @cached_property
    def _beside(self) -> Beside:
        from aimass.serve.explaining.beside import Beside

        return Beside(self.explanations)

    def _explained(self, served: Served, ask: Ask, said: Any, **more: str) -> Ask:
        return self._beside.explained(served, ask, said, **more)

    def _changed(self) -> None:
        for changed in self.changed:
            changed()

    # -- inference ------------------------------------------------------------------------------------------

    def route(self, head: Head) -> Route:
        """Who answers HEAD: inference by itself, the rest and all mistakes through ASGI."""
        if head.method != "POST" or hot(head.path.rstrip("/")) is None:
            return self.bridge
        try:
            return self._route(head)
        except Refused:
            return self.bridge

    def _route(self, head: Head) -> Route:
        """Raises Refused for a model or a version that is not here."""
        asked = hot(head.path.rstrip("/"))
        assert asked is not None
        what, name, word = asked
        return self.facts.deployment(name).route(what, word, named=head.get(ASKED) is not None)

    async def _inferred(self, request: Request, **said: str) -> Answer:
        return await waited(self._route, request)

    # -- a request ------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, self.max_body, self.number())
        await self._send(request, await self._answer(request), send)

    async def _answer(self, request: Request) -> Answer:
        try:
            answering, said = self.paths.find(request.scope["path"], request.scope["method"])
            return await answering(request, **said)

        except Exception as error:  # nothing is hidden: it is logged whole, and one request must not end the others
            status, body, fields = meaning(error, request.id)
            return json_answer(body, status, fields)

    async def _send(self, request: Request, answer: Answer, send: Send) -> None:
        headers = [
            (b"content-type", answer.kind),
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-request-id", request.id.encode("latin-1")),
            *answer.headers,
        ]
        if self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    # -- the server itself ----------------------------------------------------------------------------------

    @property
    def _models(self) -> list[Served]:
        """All that are loaded, as far as the caller may know."""
        return [model for model in self.life.models if sees(model.name)]

    async def _ready(self, request: Request, name: str = "", version: str | None = "") -> Answer:
        ready = self.facts.model_ready(name, version) if name else self.facts.ready()
        return json_answer({**({"name": name} if name else {}), "ready": ready}, 200 if ready else 503)

    def seen(self) -> Seen:
        """What this process knows."""
        found, crowd = self.life.seen(), self.vitals.crowd
        if crowd is not None:
            found.counts["", ""] = crowd.counts
        found.facts, found.health = self.vitals.facts(), {**self.observers.health(), **self.door()}
        return found

    async def _health(self, request: Request) -> Answer:
        """Ready or not, and what is wrong though it answers."""
        all_seen = await self.whole.seen()
        models = {label: facts for label, facts in all_seen.models.items() if sees(label.partition("@")[0])}
        workers = {"generation": all_seen.generation, "workers": all_seen.workers} if all_seen.workers else {}
        facts = {"live": True, "ready": self.facts.ready(), "models": models, **all_seen.health, **workers}
        return json_answer(facts)

    async def _stats(self, request: Request, **said: Any) -> Answer:
        return json_answer(await self.facts.stats(**said))

    async def _metrics(self, request: Request) -> Answer:
        from aimass.serve.observe.exposition import OPEN, TEXT, exposition, wants_open

        open_metrics = wants_open(request.headers.get(b"accept"))
        all_seen = await self.whole.seen()
        counts = [one for one in all_seen.counts.values() if not one.model or sees(one.model)]
        text = exposition(counts, all_seen.facts, open_metrics=open_metrics)
        return Answer(text, kind=OPEN if open_metrics else TEXT)

    async def _parameters(self, request: Request) -> Answer:
        return json_answer(await self.whole.parameters())

    async def _set(self, request: Request) -> Answer:
        return json_answer(await self.whole.set(await body_of(request)))

    async def _undo(self, request: Request) -> Answer:
        return json_answer(await self.whole.undo())

    async def _docs(self, request: Request) -> Answer:
        from aimass.serve.docs import POLICY, page

        host = request.headers.get(b"host", b"").decode("latin-1")
        text = page([one.find("").served for one in self.deployments.values() if sees(one.name)], host)
        return Answer(text.encode("utf-8", "replace"), kind=HTML, headers=((b"content-security-policy", POLICY),))
