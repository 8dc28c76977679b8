"""Whether work stays with what somebody has a grant over, who has none over everything.

A step reads what it is given and what `collect` fetches, and writes under names: these are looked at.  A source is read
again as it was read before, since a file of the data folder or a table of a database is nobody's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from aimass.console.jobs.work import data_of, project_text
from aimass.core.errors import AimassError
from aimass.core.step import load_step
from aimass.core.task import each
from aimass.project.file import absolute_paths, override
from aimass.runner.workspace import Workspace
from aimass.store import sources
from aimass.store.catalog import Catalog
from aimass.store.origins import COLLECT, project_of
from aimass.store.reach import Reach

FILES = ("path", "weights", "labels")  # settings of parts


def beyond(space: Workspace, reach: Reach, kind: str, work: Any) -> str:
    """The first thing of WORK that is beyond REACH, which is all that SPACE shows; "" where nothing is."""
    return _project(space, reach, work) if kind == "project" else _task(space, reach, work)


def unnamed(catalog: Catalog, reach: Reach, name: str) -> str:
    """Why nothing may be published as NAME by who has REACH; "" where it may."""
    if name in reach.projects or catalog.versions(name):
        return ""
    return f"{name[:80]!r} is neither a project of yours nor a model of one"


def reads(work: Any) -> list[str]:
    """The names of the sources that the project in WORK reads; those of its long form are not known before it runs."""
    return [name for name, _ in _sources(_tables(work))]


def _task(space: Workspace, reach: Reach, work: Any) -> str:
    digests: list[Any] = []
    each(work.get("inputs", {}), digests.append)
    for digest in digests:
        if not isinstance(digest, str) or space.catalog.artifact(digest) is None:
            return f"there is no artifact {str(digest)[:64]}"
    saved, settings = work.get("save_as") or "", work.get("settings") or {}
    if saved and project_of(saved) not in reach.projects:
        return f"it saves as {saved[:80]!r}, which is not below a project of yours"
    if work["step"] == COLLECT:
        return _source(space, reach, str(settings.get("name", "")), settings.get("source"))
    if work["step"] == "publish":
        return unnamed(space.catalog, reach, str(settings.get("name", "")))
    return _file_in(settings)


def _project(space: Workspace, reach: Reach, work: Any) -> str:
    tables = _tables(work)
    name = _name(tables)
    if name not in reach.projects:
        return f"{name[:80]!r} is no project of yours"
    if "steps" in tables:
        return "[steps] may name any artifact"
    if file := _file_in({key: table for key, table in tables.items() if key != "collect"}):
        return file
    published = tables.get("publish", {})
    called = published.get("name") if isinstance(published, dict) else ""
    found = (_source(space, reach, source, table) for source, table in _sources(tables))
    return next((why for why in found if why), unnamed(space.catalog, reach, str(called)) if called else "")


def _file_in(value: Any) -> str:
    """Says which file a setting within VALUE names, beside what a source reads; "" for none."""
    if isinstance(value, dict):
        texts = {key: value[key] for key in FILES if isinstance(value.get(key), str) and value[key]}
        told = next((f"{key} is the file {text[:60]!r}" for key, text in texts.items()), "")
        return told or _file_in([*value.values()])
    return next((why for one in value if (why := _file_in(one))), "") if isinstance(value, list) else ""


def _source(space: Workspace, reach: Reach, name: str, source: Any) -> str:
    if not reach.holds(project_of(name), name):
        return f"{name[:80]!r} is no source of yours"
    known = sources.settings_of(space.catalog, name)
    same = (
        known is not None
        and (asked := _as_run(space, name, source)) is not None
        and asked == _as_run(space, name, known)
    )
    return "" if same else f"{name[:80]!r} was never read so before"


def _as_run(space: Workspace, name: str, source: Any) -> Any:
    """SOURCE with all its settings, where it is read from; None for what is none."""
    settings = deepcopy({"source": source})
    absolute_paths(settings, data_of(space))
    try:
        return load_step(COLLECT).task({}, {"name": name, **settings}, 0).settings["source"]
    except AimassError:
        return None


def _tables(work: Any) -> dict[str, Any]:
    """The project in WORK with what overrides it.  Raises InputError."""
    tables = tomllib.loads(project_text(work))
    for item in work.get("sets", ()):
        override(tables, item, typed_here=False)
    return tables


def _name(tables: dict[str, Any]) -> str:
    return str(tables.get("name", "project"))


def _sources(tables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each source by the name of its table, with what it says (`project.file`: one without a name is the project's)."""
    collect = tables.get("collect", {})
    if not isinstance(collect, dict):
        return
    one = any(key == "use" or not isinstance(value, dict) for key, value in collect.items())
    for name, table in ({_name(tables): collect} if one else collect).items():
        yield f"{_name(tables)}/{name}", table
