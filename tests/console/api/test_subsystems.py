"""Subsystems over the API: what there is without `aimass up`, what this machine uses; and how one sees as others do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import sqlalchemy as sa
from starlette.testclient import TestClient
from tests.console.conftest import Guest

from aimass.console.access import audit
from aimass.console.alive import started
from aimass.console.host import Host
from aimass.console.place import Place
from aimass.console.up import state
from aimass.console.up.line import Line, answered
from aimass.store import tables as t
from aimass.store.catalog import Catalog


def test_stores_and_machine_are_told_where_nobody_keeps_processes(admin: TestClient) -> None:
    told = admin.get("/api/v1/subsystems").json()
    assert (told["processes"], told["kept"]) == ([], False)
    stores = {one["name"]: one for one in told["stores"]}
    assert set(stores) == {"catalog", "artifacts", "queue of jobs"}
    assert stores["catalog"]["bytes"] > 4096 and stores["catalog"]["reason"].startswith("sqlite 3")
    machine = told["machine"]
    assert machine["cores"] >= 1 and 0 < machine["disk_used"] < machine["disk"]
    assert 0 < machine["memory_used"] < machine["memory"]


def test_processes_are_those_of_whoever_is_up_and_another_console_restarts_none(
    admin: TestClient, place: Place, catalog: Catalog
) -> None:
    pid = os.getpid()
    one = {"name": "inference", "state": "ready", "since": "2026-01-01", "settled": True, "restarts": 2, "pid": pid}
    state.write(place.workspace.folder, state.State(pid, started(pid), "2026-01-01", processes=[one]))
    told = admin.get("/api/v1/subsystems").json()["processes"]
    assert [(row["name"], row["restarts"]) for row in told] == [("up", 0), ("inference", 2)]
    assert told[1]["memory"] > 1 << 20
    assert admin.post("/api/v1/subsystems/inference/restart").status_code == 409
    lost = admin.post("/api/v1/subsystems/inferense/restart")
    assert lost.status_code == 404 and "did you mean 'inference'" in lost.json()["error"]
    assert not audit.entries(catalog, what="subsystems.")


def test_a_restart_is_written_down_before_the_keeper_is_asked(
    admin: TestClient, place: Place, catalog: Catalog
) -> None:
    pid, ours, theirs = os.getpid(), *socket.socketpair()
    one = {"name": "inference", "state": "ready", "since": "2026-01-01", "settled": True, "restarts": 2, "pid": pid}
    state.write(place.workspace.folder, state.State(pid, started(pid), "2026-01-01", processes=[one]))
    place.keeper, seen = Line(ours), list[object]()

    def keep() -> None:
        for line in theirs.makefile("rb"):
            seen.append(audit.entries(catalog, what="subsystems.")[0]["after"])
            catalog.write(sa.text("PRAGMA busy_timeout=100"), sa.update(t.name).values(moved="2026-01-01"))
            told = answered(lambda: None, json.loads(line)["number"])
            theirs.sendall(json.dumps(told).encode() + b"\n")

    threading.Thread(target=keep, daemon=True).start()
    assert admin.post("/api/v1/subsystems/inference/restart").status_code == 202
    assert seen == [{"asked": None}]
    [note] = audit.entries(catalog, what="subsystems.")
    assert (note["subject"], note["before"], note["after"]) == ("inference", {"pid": pid, "since": "2026-01-01"}, None)
    ours.shutdown(socket.SHUT_RDWR)


def test_a_process_uses_what_all_that_it_started_use(tmp_path: Path) -> None:
    host = Host()
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True)\\nwhile True: pass'])"
    with subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE) as outer:
        try:
            assert outer.stdout is not None
            outer.stdout.readline()
            host._looked = 0.0
            host.look()
            assert host.of(outer.pid).cpu is None  # of no span yet
            host._looked -= 2.0  # as if a while had gone by
            host.look()
            used = host.of(outer.pid)
            assert used.cpu is not None and used.memory is not None
            assert used.memory > (host.of(os.getpid()).memory or 0) / 1000
            inner = [pid for pid, one in host._now.items() if one.parent == outer.pid]
            assert len(inner) == 1
        finally:
            for pid in [pid for pid, one in host._now.items() if one.parent == outer.pid]:
                os.kill(pid, signal.SIGKILL)
            outer.kill()
    assert host.of(1 << 30) == (None, None)


def test_an_admin_sees_the_console_as_a_viewer_and_may_then_do_no_more(guest: Guest, catalog: Catalog) -> None:
    admin = guest("admin", "grace")
    told = admin.post("/api/v1/me/view", json={"role": "viewer"}).json()
    assert (told["role"], told["own_role"]) == ("viewer", "admin") and "users.see" not in told["permissions"]
    assert admin.get("/api/v1/users").status_code == 403
    assert admin.get("/api/v1/me").json()["role"] == "viewer"
    note = audit.entries(catalog, what="session.view")[0]
    assert (note["who"], note["before"], note["after"]) == ("grace", "admin", "viewer")
    assert admin.post("/api/v1/me/view", json={"role": None}).json()["role"] == "admin"
    assert admin.get("/api/v1/users").status_code == 200


def test_nobody_sees_more_than_his_own_role_does(guest: Guest) -> None:
    for role, wished in (("viewer", "operator"), ("viewer", "admin"), ("operator", "admin")):
        client = guest(role)
        assert client.post("/api/v1/me/view", json={"role": wished}).status_code == 422
        client.cookies.set("aimass_view", wished)
        assert client.get("/api/v1/me").json()["role"] == role
    operator = guest("operator")
    assert operator.post("/api/v1/me/view", json={"role": "viewer"}).json()["role"] == "viewer"
    assert operator.post("/api/v1/me/view", json={"role": "operator"}).json()["role"] == "operator"
