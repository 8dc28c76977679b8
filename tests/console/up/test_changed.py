"""What is changed in the console is changed in the processes behind it, and in those that come after them."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from aimass.console.up import state as file
from aimass.runner.workspace import Workspace
from tests.console.up.test_supervisor import asked, member, said, there, until, up
from tests.serve.ray.conftest import publish
from tests.serve.versions.conftest import write_version

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A workspace that is up, with a model that is served; and the token that its start has told."""
    root = tmp_path_factory.mktemp("changed")
    publish(Workspace(root / "space"), write_version(root / "1", 1), "m")
    with up(root / "space") as process:
        link: str = said(process)["link"]
        assert link.startswith(f"{there(root / 'space').console}#/welcome?token=")
        yield root / "space", link.partition("token=")[2]


@pytest.fixture(scope="module")
def space(begun: tuple[Path, str]) -> Path:
    return begun[0]


@pytest.fixture(scope="module")
def ask(space: Path, begun: tuple[Path, str]) -> Ask:
    """Asks the console as its first admin."""
    url = there(space).console
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    headers = {"content-type": "application/json"}

    def ask(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}api/v1/{path}", data, headers, method=method)
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    body = {"token": begun[1], "name": "ada", "password": "correct horse battery"}
    headers["x-csrf-token"] = ask("POST", "session/link", body)["csrf"]
    return ask


def row(ask: Ask, name: str) -> Any:
    return next(row for row in ask("GET", "parameters")["rows"] if row["name"] == name)


def test_workers_come_and_go_by_number(space: Path, ask: Ask) -> None:
    told = ask("PATCH", "parameters", {"values": {"jobs/workers": 2}})["rows"][0]
    assert (told["value"], told["wanted"], told["state"]) == (1, 2, "pending")
    until(lambda: row(ask, "jobs/workers")["state"] == "changed")
    names = [one["name"] for one in there(space).processes]
    assert names == ["console", "jobs-1", "jobs-2", "inference"]
    ask("PATCH", "parameters", {"values": {"jobs/workers": None}})
    until(lambda: [one["name"] for one in there(space).processes] == ["console", "jobs-1", "inference"])
    assert row(ask, "jobs/workers")["state"] == "default"


def test_a_value_is_in_effect_in_its_process_and_in_the_one_after_it(space: Path, ask: Ask) -> None:
    ask("PATCH", "parameters", {"values": {"jobs/log_level": "INFO", "jobs/grace_seconds": 1.5}})
    wanted = {"jobs/log_level": "INFO", "jobs/grace_seconds": 1.5}
    until(lambda: member(space, "jobs-1")["values"] == wanted)
    os.kill(before := member(space, "jobs-1")["pid"], signal.SIGKILL)
    until(lambda: (now := member(space, "jobs-1")).get("pid") not in (before, None) and now["values"] == wanted)


def test_a_server_of_predictions_that_is_started_anew_has_the_values_from_before(space: Path, ask: Ask) -> None:
    told = ask("PATCH", "parameters", {"values": {"models/m/call_rows": 7, "server/idle_seconds": 33}})
    assert [one["value"] for one in told["rows"]] == [7, 33] or [one["value"] for one in told["rows"]] == [33, 7]
    os.kill(before := member(space, "inference")["pid"], signal.SIGKILL)
    until(lambda: (now := member(space, "inference")).get("pid") not in (before, None) and now["state"] == "ready")
    found = asked(f"{there(space).inference}/v1/parameters")[1]["parameters"]
    values = {one["name"]: one["value"] for one in found}
    assert (values["models/m/call_rows"], values["server/idle_seconds"]) == (7, 33)
    change = ask("GET", "parameters/changes?name=server/idle_seconds")["rows"][0]
    assert ask("POST", f"parameters/changes/{change['id']}/undo")["rows"][0]["value"] == change["before"]


def test_what_processes_say_has_its_time(space: Path) -> None:
    lines = (space / file.FOLDER / "inference.log").read_text().splitlines()
    assert any(line[10] == "T" and "m@1 is served" in line for line in lines), lines
