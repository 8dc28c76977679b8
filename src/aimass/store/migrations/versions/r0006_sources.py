"""Which sources runs, artifacts and jobs come from."""

import json
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LONGEST, AT_ONCE = 240, 5000


def upgrade() -> None:
    """Tables of origins, filled out of the tasks of all runs."""
    for thing, kind in (("run", ID), ("artifact", sa.String(64)), ("job", ID)):
        op.create_table(
            f"{thing}_source",
            sa.Column(thing, kind, primary_key=True, autoincrement=False),
            sa.Column("source", sa.String(256), primary_key=True),
            sa.Column("project", sa.String(256), nullable=False),
        )
    link = op.get_bind()
    tasks = [(row.id, row.task, json.loads(row.task_json)) for row in _rows(link, "run", "id", "task", "task_json")]
    collected = {digest: name for _, digest, task in tasks if (name := _name(task)) is not None}
    artifacts = _artifacts(link, collected)
    runs = {id: _sources({_name(task)}, _digests(task.get("inputs")), artifacts) for id, _, task in tasks}
    jobs = {row.id: runs.get(row.run, {""}) for row in _rows(link, "job", "id", "run")}
    for thing, found in (("run", runs), ("artifact", artifacts), ("job", jobs)):
        _keep(link, thing, found)


def _rows(link: sa.Connection, table: str, *columns: str) -> list[Any]:
    return list(link.execute(sa.select(*map(sa.column, columns)).select_from(sa.table(table))))


def _artifacts(link: sa.Connection, collected: dict[str, str]) -> dict[str, set[str]]:
    """The sources of each artifact, those of its parents before its own."""
    above: dict[str, list[str]] = {}
    for row in _rows(link, "parent", "child", "parent"):
        above.setdefault(row.child, []).append(row.parent)
    known = {row.digest: row for row in _rows(link, "artifact", "digest", "step", "task")}
    order = TopologicalSorter({digest: [one for one in above.get(digest, ()) if one in known] for digest in known})
    found: dict[str, set[str]] = {}
    for digest in order.static_order():
        row = known[digest]
        own = {collected.get(row.task, "")} if row.step == "collect" else set()
        found[digest] = _sources(own, above.get(digest, []), found)
    return found


def _sources(own: set[Any], digests: list[str], known: dict[str, set[str]]) -> set[str]:
    found = {one for one in own if one is not None}
    for digest in digests:
        found |= known.get(digest, {""})
    return found or {""}


def _name(task: Any) -> str | None:
    """The name that a task of `collect` reads into; None for another task."""
    if task.get("step") != "collect":
        return None
    name = (task.get("settings") or {}).get("name")
    plain = name.replace("\0", "").encode(errors="replace").decode() if isinstance(name, str) else ""
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."


def _digests(refs: Any) -> list[str]:
    if isinstance(refs, dict):
        refs = list(refs.values())
    return [refs] if isinstance(refs, str) else [one for ref in refs or () for one in _digests(ref)]


def _keep(link: sa.Connection, thing: str, found: dict[Any, set[str]]) -> None:
    table = sa.table(f"{thing}_source", *map(sa.column, (thing, "source", "project")))
    rows = [{thing: id, "source": one, "project": one.partition("/")[0] if "/" in one else ""}
            for id, sources in found.items() for one in sorted(sources)]  # fmt: skip
    for some in _some(rows):
        link.execute(sa.insert(table), some)


def _some(rows: list[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(rows), AT_ONCE):
        yield rows[begin : begin + AT_ONCE]
