"""A workspace: where artifacts are kept, what is known of them, and where work is done."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Token
from dataclasses import dataclass
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any

from aimass.core.artifact import KINDS, Artifact
from aimass.core.errors import AimassError, InputError, StoreError, pick, suggest
from aimass.core.step import Place, current, load_step
from aimass.core.task import Task
from aimass.runner.base import Runner, runner_of
from aimass.runner.facts import Facts
from aimass.runner.inputs import check
from aimass.runner.needs import check as check_needs
from aimass.runner.scratch import sweep
from aimass.store.base import Bytes, Damaged, look, verify, whole, writing
from aimass.store.catalog import Catalog
from aimass.store.local import LocalBytes
from aimass.store.lock import held
from aimass.store.remote import RemoteBytes
from aimass.store.trackers.base import Tracker

LAKE_SCHEMES = ("s3://", "s3a://", "gs://", "az://", "abfs://", "abfss://")


@dataclass(frozen=True)
class Event:
    """Something that happened to a task: started, waiting, finished, reused, unchanged, failed."""

    kind: str
    task: Task
    run: str = ""
    artifact: Artifact | None = None
    seconds: float = 0.0
    text: str = ""


class Workspace(Facts):
    """Store + catalog + runner.

    url       the folder everything lives in by default
    catalog   a SQLAlchemy URL instead of the SQLite file in the folder
    store     an fsspec URL for artifact bytes instead of the folder
    runner    where tasks run unless `on` says otherwise: inline, processes, ray, ray://host:port
    trackers  where live figures are shown, too: names, tables or objects of trackers
    """

    def __init__(self, url: str | Path = ".aimass", *, catalog: str | None = None, store: str | None = None,
                 runner: str = "inline", trackers: Sequence[Any] = ()) -> None:  # fmt: skip
        self.folder = Path(url).absolute()
        with writing(f"the workspace {self.folder}"):
            self.folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self.folder, os.W_OK):
            raise StoreError(f"the workspace {self.folder} is read-only", expected="a folder that can be written",
                             todo="make it writable, or use another: --workspace FOLDER")  # fmt: skip
        self._given = {"folder": str(self.folder), "catalog": catalog, "store": store, "runner": runner}
        self.catalog = Catalog(catalog or f"sqlite:///{self.folder / 'catalog.db'}")
        self.bytes: Bytes = (
            RemoteBytes(store, self.folder / "cache") if store else LocalBytes(self.folder / "artifacts")
        )
        self.runner, self.trackers = runner, self._placed(trackers)
        self._runners: dict[str, Runner] = {}
        self._observers: list[Callable[[Event], None]] = []
        self._tokens: list[Token[Place | None]] = []
        sweep(self.folder)

    @property
    def url(self) -> str:
        """Everything another process needs to open the same workspace.  May hold a password: keep it off
        command lines."""
        return json.dumps({**self._given, "trackers": self.trackers})

    @classmethod
    def reopen(cls, url: str) -> Workspace:
        """The workspace whose `url` this is."""
        given = json.loads(url)
        trackers = given.pop("trackers")  # checked where the run was asked for; not installed here is no reason to fail
        place = cls(given.pop("folder"), **given)
        place.trackers = trackers
        return place

    @contextmanager
    def tracked(self, trackers: Sequence[Any]) -> Iterator[None]:
        """Show the live figures of runs that begin in here in TRACKERS, too."""
        before = self.trackers
        self.trackers = [*before, *self._placed(trackers)]
        try:
            yield
        finally:
            self.trackers = before

    def _placed(self, trackers: Sequence[Any]) -> list[dict[str, Any]]:
        """TRACKERS as tables, good in any process."""
        found = [t if isinstance(t, Tracker) else Tracker.from_settings(t) for t in trackers]
        return [tracker.placed(self.folder).settings() for tracker in found]

    @property
    def lake(self) -> str:
        """URL of the folder of Delta tables."""
        store = self._given["store"] or ""
        return f"{store.rstrip('/')}/lake" if store.startswith(LAKE_SCHEMES) else str(self.folder / "lake")

    def __enter__(self) -> Workspace:
        self._tokens.append(current.set(self))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        current.reset(self._tokens.pop())

    def observe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call CALLBACK with every Event from now on, until what this returns is called."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    def _tell(self, event: Event) -> None:
        for callback in self._observers:
            callback(event)

    # -- work -----------------------------------------------------------------------------------------------

    def run(self, task: Task, *, needs: Mapping[str, Any] | None = None, on: str | None = None,
            save_as: str | None = None) -> Artifact:  # fmt: skip
        """The artifact of TASK: reused when the same task has finished before, else made on a runner.

        Two programs that want the same task at once do the work once: the second waits and reuses.
        NEEDS is of the place, not of the task: workers (ranks of a gang), and cpus, gpus, memory (bytes) of each.
        Raises InputError when an input is not what the step takes.
        """
        check(load_step(task.step), task, self._kind)
        check_needs(needs or {})
        with held(self.folder / "locks" / task.digest, lambda pid: self._waiting(task, pid)):
            artifact = self._known(task) or self._make(task, needs or {}, on or self.runner)
        if save_as:
            self.alias(artifact.digest, save_as)
        return artifact

    def _kind(self, digest: str) -> type[Artifact]:
        row = self.catalog.artifact(digest)
        return KINDS[row["kind"]] if row else type(self.open(digest))

    def _waiting(self, task: Task, pid: str) -> None:
        self._tell(Event("waiting", task, text=f"process {pid} is doing the same {task.step}; waiting for it"))

    def _known(self, task: Task) -> Artifact | None:
        if not load_step(task.step).reuse:
            return None
        digest = self.catalog.finished(task.digest)
        if digest is None or not self.bytes.has(digest):
            return None
        try:
            artifact = self.open(digest)
            look(artifact)
        except Damaged:
            self.bytes.discard(digest)  # make it again
            return None
        run = self.catalog.start_run(task, "reused", digest)
        self._tell(Event("reused", task, run, artifact))
        return artifact

    def _make(self, task: Task, needs: Mapping[str, Any], place: str) -> Artifact:
        if place not in self._runners:
            self._runners[place] = runner_of(place)
        self.catalog.bury(task.digest)
        run, begin = self.catalog.start_run(task), time.monotonic()
        self._tell(Event("started", task, run))
        try:
            digest = self._runners[place].submit(task.to_json(), self.url, run, needs)
        except AimassError as error:
            self.catalog.close_run(run, error.as_json())
            self._tell(Event("failed", task, run, seconds=time.monotonic() - begin, text=str(error)))
            raise
        artifact = self.open(digest)
        kind = "unchanged" if digest in task.parents else "finished"
        self._tell(Event(kind, task, run, artifact, time.monotonic() - begin))
        return artifact

    # -- things ---------------------------------------------------------------------------------------------

    def open(self, digest: str) -> Artifact:
        """The artifact of this full DIGEST.  Raises StoreError when its bytes are not there."""
        return whole(self.bytes.path(digest))

    def get(self, ref: str, kind: str | None = None) -> Artifact:
        """The artifact REF names: a name, name@version, name@alias, a digest or at least six letters of one.

        Raises InputError when nothing, more than one thing, or another KIND is meant.
        """
        artifact = self.open(self.resolve(ref))
        if kind is not None and artifact.kind != kind:
            raise InputError(f"{ref} is a {artifact.kind}", expected=f"a {kind}", todo=f"see: aimass ls --kind {kind}")
        return artifact

    def resolve(self, ref: str) -> str:
        """The digest REF names."""
        found = self.catalog.find_name(ref) or self._version(ref) or self.catalog.find_name(f"{ref}@champion")
        if found:
            return found
        hits = self.catalog.digests_starting(ref) if len(ref) >= 6 and set(ref) <= set("0123456789abcdef") else []
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise InputError(f"{ref} begins several digests", expected="one", todo="give more letters of it")
        names = [row["name"] for row in self.catalog.names()]
        raise InputError(f"nothing is called {ref!r}{suggest(ref, names)}", expected="a name, name@version or digest",
                         todo="see: aimass ls, aimass ls names, aimass ls versions")  # fmt: skip

    def _version(self, ref: str) -> str | None:
        name, _, number = ref.rpartition("@")
        rows = self.catalog.versions(name) if name and number.isdigit() else []
        return next((row["digest"] for row in rows if row["number"] == int(number)), None)

    def find(self, kind: str, **facts: Any) -> list[Artifact]:
        """Artifacts of KIND, newest first, whose facts include FACTS."""
        pick("kind of artifact", kind, KINDS)
        rows = self.catalog.artifacts(kind, limit=1_000_000)
        return [self.open(r["digest"]) for r in rows if facts.items() <= r["facts"].items()]

    def lineage(self, ref: str, most: float = inf) -> dict[str, Any]:
        """What REF was made from, up to the sources: {digest, kind, step, facts, parents: [...]}.

        What was used twice is told twice.  Raises InputError when that is more than MOST.
        """
        told = 0

        def tree(digest: str) -> dict[str, Any]:
            nonlocal told
            told += 1
            if told > most:
                raise InputError(f"the lineage of {ref} has more than {most:.0f} branches", expected="fewer",
                                 todo="ask for that of what it was made from")  # fmt: skip
            row = self.catalog.artifact(digest)
            if row is None:
                raise StoreError(f"artifact {digest[:12]} is not in the catalog")
            parents = [tree(parent) for parent in self.catalog.parents(digest)]
            return {**{k: row[k] for k in ("digest", "kind", "step", "facts", "created")}, "parents": parents}

        return tree(self.resolve(ref))

    def verify(self) -> list[str]:
        """Digests of damaged artifacts: every file of every artifact is read and hashed."""
        damaged = []
        for digest in self.bytes.digests():
            try:
                artifact = self.open(digest)
                verify(artifact.folder, artifact.manifest)
            except StoreError:
                damaged.append(digest)
        return damaged

    def alias(self, ref: str, name: str) -> None:
        """Let NAME point to REF."""
        self.catalog.set_name(name, self.resolve(ref))
