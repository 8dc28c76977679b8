"""The ASGI application: one table of paths; every answer is whole, sized and in JSON, mistakes included.

Knows which path belongs to which protocol; the protocols know the models.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from aimass.core.errors import InputError, suggest
from aimass.serve.docs import POLICY, page
from aimass.serve.http.bridge import Bridge
from aimass.serve.http.crowd import Numbers
from aimass.serve.http.heads import Head
from aimass.serve.http.limits import Limits
from aimass.serve.messages import Answer, Receive, Refused, Request, Scope, Send, json_answer
from aimass.serve.observe.exposition import OPEN, TEXT, exposition, wants_open
from aimass.serve.observe.vitals import Vitals
from aimass.serve.pending import waited
from aimass.serve.predictor import Served
from aimass.serve.records import Records
from aimass.serve.v2.model import EXTENSIONS, V2

Answering = Callable[[Request], Awaitable[Answer]]
Route = Callable[[Any], None]

MAX_BODY = Limits().body  # bytes, unpacked
MAX_ROWS = 10_000  # in one request
HTML = b"text/html; charset=utf-8"

log = logging.getLogger("aimass.serve")


class App:
    """Answers for MODELS.  Set `draining` when it is to end: it is not ready any more, answers close connections."""

    def __init__(self, models: Sequence[Served], *, max_body: int = MAX_BODY, max_rows: int = MAX_ROWS) -> None:
        self.models = {model.name: model for model in models}
        self.max_body = max_body
        self.draining = False
        self.bridge = Bridge(self)
        self.vitals = Vitals(lambda: Counter({"READY": len(self.models)}))
        self.number = Numbers()
        self.hot: dict[str, Route] = {}  # by path of inference
        self.paths: dict[str, dict[str, Answering]] = {
            "/": {"GET": self._docs},
            "/v1/docs": {"GET": self._docs},
            "/v1/health": {"GET": self._health},
            "/metrics": {"GET": self._metrics},
            "/v2": {"GET": self._server},
            "/v2/health/live": {"GET": self._live},
            "/v2/health/ready": {"GET": self._ready},
            "/v2/models/stats": {"GET": self._stats},
            "/v2/repository/index": {"POST": self._index},
        }
        self.v2 = {model.name: self._add(model, max_rows) for model in models}

    def _add(self, model: Served, max_rows: int) -> V2:
        v2, records = V2(model, max_rows, self.max_body), Records(model, max_rows, self.max_body)
        bases = [f"/v2/models/{model.name}"]
        if model.version:
            bases.append(f"{bases[0]}/versions/{model.version}")
        for base in bases:
            self.paths[base] = {"GET": _told(v2.metadata)}
            self.paths[f"{base}/ready"] = {"GET": partial(self._ready, name=model.name)}
            self.paths[f"{base}/config"] = {"GET": _told(v2.config)}
            self.paths[f"{base}/stats"] = {"GET": partial(self._stats, name=model.name)}
            self._infers(f"{base}/infer", v2.infer)
        self._infers(f"/v1/predict/{model.name}", records.predict)
        return v2

    def _infers(self, path: str, route: Route) -> None:
        """A path of the hot kind: a server may call ROUTE itself."""
        self.paths[path] = {"POST": partial(waited, route)}
        self.hot[path] = route

    def route(self, head: Head) -> Route:
        """Who answers HEAD: inference by itself, the rest through ASGI."""
        hot = self.hot.get(head.path) if head.method == "POST" else None
        return hot or self.bridge

    # -- a request ------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, self.max_body, self.number())
        answer = await self._answer(request)
        await self._send(request, answer, send)

    async def _answer(self, request: Request) -> Answer:
        try:
            return await self._find(request.scope["path"], request.scope["method"])(request)
        except Refused as refused:
            return json_answer(refused.body, refused.status, refused.headers)
        except InputError as error:
            return json_answer(error.as_json(), 400)
        except Exception:  # nothing is hidden: it is logged whole, and one request must not end the others
            log.exception("request %s failed", request.id)
            told = {"error": "the server failed at this request", "request": request.id}
            return json_answer({**told, "to_do": "look the request up in the server's own output"}, 500)

    def _find(self, path: str, method: str) -> Answering:
        found = self.paths.get(path) or self.paths.get(path.rstrip("/"))
        if found is None:
            raise self._nothing_at(path)
        answering = found.get("GET" if method == "HEAD" else method)
        if answering is None:
            allowed = ", ".join(found)
            raise Refused(
                405, f"{path} does not take {method}", expected=allowed, headers=[(b"allow", allowed.encode())]
            )
        return answering

    def _nothing_at(self, path: str) -> Refused:
        parts = path.strip("/").split("/")
        if parts[:2] in (["v1", "predict"], ["v2", "models"]) and len(parts) > 2:
            if parts[2] not in self.models:
                near = suggest(parts[2], self.models)
                return Refused(404, f"no model is called {parts[2]!r}{near}", expected=f"of: {', '.join(self.models)}")
            known = self.models[parts[2]].version or "none, it was never published"
            if parts[3:4] == ["versions"] and parts[4:5] != [known]:
                return Refused(404, f"{parts[2]} has no version {'/'.join(parts[4:5])!r} here", expected=known)
        return Refused(404, f"nothing is at {path}{suggest(path, self.paths)}", to_do="see /v1/docs")

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

    async def _server(self, request: Request) -> Answer:
        return json_answer({"name": "aimass", "version": version("aimass"), "extensions": EXTENSIONS})

    async def _live(self, request: Request) -> Answer:
        return json_answer({"live": True})

    async def _ready(self, request: Request, name: str = "") -> Answer:
        facts = {"name": name} if name else {}
        return json_answer({**facts, "ready": not self.draining}, 503 if self.draining else 200)

    async def _health(self, request: Request) -> Answer:
        """Ready or not, and what is wrong though it answers."""
        models = {model.label: {"digest": model.digest, **model.health()} for model in self.models.values()}
        return json_answer({"live": True, "ready": not self.draining, "models": models})

    async def _stats(self, request: Request, name: str = "") -> Answer:
        wanted = [self.models[name]] if name else self.models.values()
        return json_answer({"model_stats": [model.counts.as_stats(model.name, model.version) for model in wanted]})

    async def _index(self, request: Request) -> Answer:
        return json_answer([protocol.index() for protocol in self.v2.values()])

    async def _metrics(self, request: Request) -> Answer:
        open_metrics = wants_open(request.headers.get(b"accept"))
        crowd = self.vitals.crowd
        counts = [*([crowd.counts] if crowd else ()), *(model.counts for model in self.models.values())]
        text = exposition(counts, self.vitals.facts(), open_metrics=open_metrics)
        return Answer(text, kind=OPEN if open_metrics else TEXT)

    async def _docs(self, request: Request) -> Answer:
        host = request.headers.get(b"host", b"").decode("latin-1")
        text = page(list(self.models.values()), host)
        return Answer(text.encode("utf-8", "replace"), kind=HTML, headers=((b"content-security-policy", POLICY),))


def _told(facts: Callable[[], Any]) -> Answering:
    async def answering(request: Request) -> Answer:
        return json_answer(facts())

    return answering
