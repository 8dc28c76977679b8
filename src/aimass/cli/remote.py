"""A workspace behind a console: what the commands ask of it, asked of its API.

AIMASS_URL says where it answers, AIMASS_KEY opens it.  The same questions have the same answers as of a folder; work is
done as jobs, whose log is told while they go on.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

from aimass.core.artifact import KINDS, Artifact, Manifest
from aimass.core.errors import AimassError, InputError, StoreError, error_from_json, pick
from aimass.core.task import Task

PATIENCE = 60.0  # seconds for an answer
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 16.0)  # seconds between attempts while nobody answers
PAGE = 1000  # rows of an answer
LOOK = 0.5  # seconds between looks at a job
OVER = ("finished", "failed", "cancelled")
Said = dict[str, Any]
T = TypeVar("T")


class Unanswered(StoreError):
    """No console answers; it may do so in a moment, if it is being started anew."""


class Remote:
    """The workspace behind the console at URL, as far as commands need it.  Raises InputError for what is no URL."""

    def __init__(self, url: str, key: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"AIMASS_URL is {url!r}", expected="where a console answers: http://127.0.0.1:8090/",
                             key="url")  # fmt: skip
        self.url = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        self.key = key
        self._runs: dict[str, Said] = {}

    # -- what is known ------------------------------------------------------------------------------------------

    def artifacts(self, kind: str | None = None, limit: int = 100) -> list[Said]:
        return self._rows("artifacts", limit, kind=kind or "")

    def runs(self, limit: int = 100) -> list[Said]:
        return self._rows("runs", limit)

    def names(self) -> list[Said]:
        return self._rows("names")

    def versions(self) -> list[Said]:
        return self._rows("versions")

    def run_row(self, run: str) -> Said:
        return dict(self._run(run)["run"])

    def latest(self, run: str) -> dict[str, float]:
        return dict(self._run(run)["latest"])

    def logs(self, run: str) -> list[Said]:
        return self._rows("log", run=run)

    def curves(self, run: str, points: int = 500) -> dict[str, list[Any]]:
        return dict(self.ask("GET", "facts/curves", run=run, points=points)["curves"])

    def get(self, ref: str, kind: str | None = None) -> Artifact:
        """What REF means; its folder is not here, its JSON files are asked for."""
        manifest = Manifest.from_json(self.ask("GET", "facts/artifact", ref=ref, kind=kind or ""))
        made: type[Artifact] = pick("kind of artifact", manifest.kind, KINDS)
        found = made(Path(), manifest)
        found.read_json = partial(self._file, manifest.digest)  # type: ignore[method-assign]
        return found

    def lineage(self, ref: str) -> Said:
        return self.ask("GET", "facts/lineage", ref=ref)

    def _rows(self, what: str, most: float = math.inf, **query: Any) -> list[Said]:
        """All rows of WHAT, page by page, or the first MOST."""
        rows, after = list[Said](), ""
        while after is not None and len(rows) < most:
            page = self.ask("GET", f"facts/{what}", **query, limit=int(min(PAGE, most - len(rows))), after=after)
            rows += page["rows"]
            after = page["next"]
        return rows

    def _run(self, run: str) -> Said:
        if run not in self._runs:
            self._runs[run] = self.ask("GET", "facts/run", run=run)
        return self._runs[run]

    def _file(self, digest: str, name: str) -> Any:
        return self.ask("GET", "facts/file", ref=digest, name=name)["value"]

    # -- work -----------------------------------------------------------------------------------------------------

    def work(self, task: Task, save_as: str | None, note: Callable[[str], None]) -> tuple[Artifact, Said]:
        """TASK's artifact, made there as a job, and what there is to say of what came after it."""
        wanted = {**json.loads(task.to_json()), **({"save_as": save_as} if save_as else {})}
        outcome = self.job({"task": wanted}, note)
        more = {name: value for name, value in outcome.items() if name not in ("digest", "kind")}
        return self.get(outcome["digest"]), more

    def job(self, wanted: Said, note: Callable[[str], None], at: str = "jobs") -> Said:
        """The outcome of a job that does WANTED, asked for AT; NOTE hears each line of its log.  Raises what it raised.

        Interrupted, it cancels the job: finished steps stay, training keeps its checkpoint.
        """
        id = self.ask("POST", at, wanted)["id"]
        note(f"job {id} at {self.url}")
        try:
            row = self._followed(id, note)
        except KeyboardInterrupt:
            self.ask("POST", f"jobs/{id}/cancel", {})
            raise
        if row["state"] == "finished":
            return dict(row["outcome"])
        raise error_from_json(row["error"] or {"error": f"job {id} was cancelled", "type": "Stopped"})

    def _followed(self, id: str, note: Callable[[str], None]) -> Said:
        at, rest = 0, ""
        while True:
            row = self._awaited(id, f"jobs/{id}")  # before the log: what it said at its end is in that
            page = self._awaited(id, f"jobs/{id}/log", at=at)
            at, rest = page["next"], rest + page["text"]
            *lines, rest = rest.split("\n")
            over = row["state"] in OVER and not page["text"]
            for line in filter(None, [*lines, rest] if over else lines):
                note(line)
            if over:
                return row
            if not page["text"]:
                time.sleep(LOOK)

    def _awaited(self, id: str, path: str, **query: Any) -> Said:
        """What PATH answers, of the job ID: also a console that cannot answer just now is asked again."""
        try:
            return patiently(lambda: self.ask("GET", path, **query), StoreError)
        except StoreError as error:
            what = f"{error.what}; it was asked again for {sum(PAUSES):g} s"
            todo = f"job {id} may go on there: see the page Jobs of the console"
            raise Unanswered(what, expected=error.expected, todo=todo) from error

    # -- the way there --------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None, /, **query: Any) -> Said:
        """The JSON that METHOD PATH of the API answers; nothing is {}.  BODY is JSON, or bytes as they are.

        Raises InputError for what it refuses, StoreError when nobody answers or the answer is none of a console.
        """
        raw = isinstance(body, bytes)
        headers = {"accept": "application/json", "content-type": f"application/{'octet-stream' if raw else 'json'}"}
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with self.answer(method, path, sent, headers, **query) as answer:
            told = answer.read()
            found: Said = json.loads(told) if told else {}
            return found

    def page(self, path: str) -> str:
        """The text that PATH of the API answers.  Raises as `ask` does."""
        with self.answer("GET", path) as answer:
            return answer.read().decode()

    def still(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None, /, **query: Any) -> Said:
        """As `ask`, for what may be asked twice: again while nobody answers, for three quarters of a minute."""
        return patiently(lambda: self.ask(method, path, body, **query))

    @contextmanager
    def answer(
        self, method: str, path: str, sent: bytes | None = None, head: Mapping[str, str] | None = None, /, **query: Any
    ) -> Iterator[http.client.HTTPResponse]:
        """What METHOD PATH of the API answers, to be read.  Raises as `ask` does, also while it is read."""
        given = {name: value for name, value in query.items() if value != ""}
        address = f"{self.url}/api/v1/{path}" + (f"?{urlencode(given)}" if given else "")
        opening = {"authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            request = urllib.request.Request(address, sent, {**(head or {}), **opening}, method=method)
            with _opener().open(request, timeout=PATIENCE) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            raise _refused(error, self.url) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or str(error) or type(error).__name__
            what = f"the console at {self.url} does not answer: {why}"
            todo = "start it: aimass up; or unset AIMASS_URL to work in a folder"
            raise Unanswered(what, expected="one that is up", todo=todo) from error


def patiently(act: Callable[[], T], away: type[StoreError] = Unanswered) -> T:
    """What ACT gives, done again while it raises AWAY: nobody answers.  Raises that at last."""
    for pause in PAUSES:
        try:
            return act()
        except away:
            time.sleep(pause)
    return act()


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: the key is for this console alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Stay)


def _refused(error: urllib.error.HTTPError, url: str) -> AimassError:
    """What the console has against a request, in its own words."""
    try:
        told = json.loads(error.read())
        given = {name: str(told.get(name) or "") for name in ("error", "expected", "to_do", "key")}
    except (OSError, http.client.HTTPException) as broken:
        what = f"{url} broke off while it said why not ({error.code}): {broken}"
        return Unanswered(what, expected="all of it", todo="run the command again")
    except (ValueError, AttributeError):
        given = {"error": "", "expected": "a console of aimass", "to_do": "look at AIMASS_URL", "key": ""}
    what = given["error"] or f"{url} answered {error.code}"
    todo = "make a key on its page Keys, and set AIMASS_KEY to it" if error.code == 401 else given["to_do"]
    beyond = StoreError if given["error"] else Unanswered  # a proxy speaks for a console that is not there
    kind = InputError if error.code < 500 else beyond
    return kind(what, expected=given["expected"], todo=todo, key=given["key"])


def key_of() -> str:
    """What the environment says: a key on a command line is for everybody to read."""
    return os.environ.get("AIMASS_KEY", "")
