"""Is the console quick over 5,000 runs and 5 million points: their list, and ten runs of 100,000 points compared?

A console over a catalog of that size is asked over HTTP, as its pages do: SQLite in a file, then Postgres, each of them
on this machine.  Times are of the whole request, gzip included, the 95th percentile of 20.

    python benchmarks/console/catalog.py --record        # about three minutes
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # tests
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/record.py

from tests.store.conftest import postgres_server

from aimass.console.access.links import first_link
from aimass.console.app import create_app
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Catalog
from aimass.store.migrations.versions.r0005_figures import FILL
from record import write

TIMES = 20
GOALS = {"list": 600.0, "filter": 100.0, "compare": 800.0, "zoom": 800.0}  # milliseconds
FIGURES = ("loss", "valid_loss", "valid_roc_auc", "rows_per_s")
LONG = 10  # runs with most of the points
SERIES = "WITH RECURSIVE series(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM series WHERE i + 1 < {most})"
RUNS = (
    SERIES
    + """
 SELECT 't', CASE i & 3 WHEN 0 THEN 'prepare' ELSE 'train' END, 'network ' || i, '{{"step": "train", "settings":
 {{"model": {{"use": "mlp"}}}}, "inputs": {{}}, "seed": 0}}', CASE i & 63 WHEN 0 THEN 'failed' ELSE 'finished' END,
 '2026-01-01T00:00:00.000000+00:00', '2026-01-01T00:01:00.000000+00:00', 'here', 1 FROM series"""
)
POINTS = (
    SERIES
    + """
 SELECT r.id, '{name}', i, 1.0 / (1 + i) + ((i * 7919) & 1023) / 100000.0, 1767225600.0 + i
 FROM run r CROSS JOIN series WHERE r.id {which} {long} ORDER BY r.id, i"""
)


def fill(catalog: Catalog, runs: int, long: int, short: int) -> int:
    """RUNS runs: the first ten have one figure of LONG points, the rest four of SHORT; how many points that makes."""
    into = "INSERT INTO metric (run, name, at, value, time) "
    with catalog.writing() as link:
        columns = "(task, step, label, task_json, state, started, ended, host, pid)"
        link.exec_driver_sql(f"INSERT INTO run {columns} {RUNS.format(most=runs)}")
        link.exec_driver_sql(into + POINTS.format(most=long, name="valid_loss", which="<=", long=LONG))
        for name in FIGURES:
            link.exec_driver_sql(into + POINTS.format(most=short, name=name, which=">", long=LONG))
        link.exec_driver_sql("DELETE FROM latest")
        link.exec_driver_sql(FILL)
    with catalog.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.exec_driver_sql("ANALYZE" if catalog.engine.dialect.name == "sqlite" else "VACUUM ANALYZE")
    return int(catalog.rows(sa.select(sa.func.count().label("n")).select_from(sa.table("metric")))[0]["n"])


@contextmanager
def console(workspace: Workspace) -> Iterator[tuple[http.client.HTTPConnection, dict[str, str]]]:
    """A connection to a console of WORKSPACE, and the headers of somebody who is signed in."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(uvicorn.Config(create_app(workspace.url), log_level="error"))
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        line = http.client.HTTPConnection(*bound.getsockname(), timeout=60)
        body = {"token": first_link(workspace.url), "name": "ada", "password": "correct horse battery"}
        line.request("POST", "/api/v1/session/link", json.dumps(body), {"content-type": "application/json"})
        entered = line.getresponse()
        entered.read()
        assert entered.status == 201, entered.status
        cookie = str(entered.headers.get_all("set-cookie", [""])[-1]).partition(";")[0]  # the session's is the last
        yield line, {"cookie": cookie, "accept-encoding": "gzip"}
        server.should_exit = True
        thread.join(20)


def ask(line: http.client.HTTPConnection, headers: dict[str, str], path: str) -> tuple[Any, float, int]:
    """The answer at PATH, milliseconds, bytes on the wire."""
    begun = time.perf_counter()
    line.request("GET", f"/api/v1{path}", headers=headers)
    answer = line.getresponse()
    body = answer.read()
    took = (time.perf_counter() - begun) * 1000
    assert answer.status == 200, body[:500]
    small = answer.headers["content-encoding"] != "gzip"
    return json.loads(body if small else gzip.decompress(body)), took, len(body)


def figures_of(workspace: Workspace, long: int, times: int) -> dict[str, Any]:
    """Milliseconds of each question: median, 95th percentile of TIMES, and bytes."""
    ten = ",".join(str(id) for id in range(1, LONG + 1))
    curves = f"/compare/curves?runs={ten}&name=valid_loss&points=800"
    questions = {
        "list": ["/runs?limit=200"],
        "filter": ["/runs?limit=200&text=network+49&state=finished"],
        "compare": [f"/compare?runs={ten}", curves],
        "zoom": [f"{curves}&low={long * 0.2}&high={long * 0.7}"],
    }
    found: dict[str, Any] = {}
    with console(workspace) as (line, headers):
        for name, paths in questions.items():
            answers = [[ask(line, headers, path) for path in paths] for _ in range(times + 1)][1:]
            took = sorted(sum(one[1] for one in turn) for turn in answers)
            found[name] = {"median": round(took[len(took) // 2], 1), "p95": round(took[int(len(took) * 0.95)], 1),
                           "goal": GOALS[name], "bytes": sum(one[2] for one in answers[0])}  # fmt: skip
            print(f"{workspace.catalog.engine.dialect.name:10} {name:8} {found[name]}", flush=True)
        drawn = answers[0][0][0]["curves"]
        assert len(drawn) == LONG and all(curve["count"] > long * 0.4 for curve in drawn.values())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", action="store_true", help="write records/DATE-console-catalog.json")
    parser.add_argument("--quick", action="store_true", help="a hundredth of it, to see that it works")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), default="")
    given = parser.parse_args()
    runs, long, short = (200, 2_000, 20) if given.quick else (5_000, 100_000, 200)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, postgres_server() as url:
        for name, catalog in (("sqlite", None), ("postgresql", url.format(name="postgres"))):
            if given.only in ("", name):
                workspace = Workspace(Path(folder) / name, catalog=catalog)
                points = fill(workspace.catalog, runs, long, short)
                found[name] = {
                    "runs": runs,
                    "points": points,
                    **figures_of(workspace, long, 3 if given.quick else TIMES),
                }
                workspace.catalog.engine.dispose()
    for name, figures in found.items():
        for question, goal in GOALS.items():
            p95 = figures[question]["p95"]
            print(f"{name:10} {question:8} p95 {p95:7.1f} ms of {goal:.0f}: {'met' if p95 <= goal else 'MISSED'}")
    if given.record:
        write("console-catalog", __doc__.partition("\n")[0], found, ["sqlalchemy", "psycopg", "fastapi", "uvicorn"],
              note="over HTTP on loopback, gzip included; Postgres by a Unix socket, fsync off")  # fmt: skip


if __name__ == "__main__":
    main()
