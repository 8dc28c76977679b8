"""Reports and projects out of a console and into it, over a way that breaks: same words, nothing lost or left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers
from tests.cli.conftest import Say, answering
from tests.console import published
from tests.project.archive.conftest import PROJECT, built
from tests.runner import chain
from tests.runner.test_runners import task_of

from aimass.cli import remote
from aimass.console import archives
from aimass.console.api import uploads
from aimass.console.app import create_app
from aimass.console.jobs.worker import Worker
from aimass.core.canonical import digest_of_file
from aimass.project.archive.take import import_project
from aimass.project.archive.write import export_project
from aimass.runner.workspace import Workspace
from aimass.store.jobs import FINISHED, Jobs


class Rough:
    """The way to APP: of the requests whose method and path are in `ills`, one after the other, the answer breaks off
    in the middle, or comes with other bytes."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.ills: list[tuple[str, str]] = []
        self.asked: list[tuple[str, str]] = []  # method and path, the range that was wanted

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        what = f"{scope.get('method')} {scope.get('path')}"
        if scope["type"] == "http":
            self.asked.append((what, Headers(scope=scope).get("range", "")))
        ill = next((how for where, how in self.ills[:1] if what.startswith(where)), "")
        if ill:
            self.ills.pop(0)
        over = False

        async def spoilt(message: Any) -> None:
            nonlocal over
            body = message.get("body", b"")
            if not over and (not body or not ill):
                await send(message)
            elif not over and ill == "other":
                await send({**message, "body": bytes([body[0] ^ 1]) + body[1:]})
            elif not over:
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
            over = over or bool(body and ill == "broken")

        await self.app(scope, receive, spoilt)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Has project p, and two versions of flights."""
    found = built(tmp_path_factory.mktemp("freight"))
    published.registry(found)
    return found


@pytest.fixture(scope="module")
def way(space: Workspace) -> Rough:
    return Rough(create_app(space.url))


@pytest.fixture(scope="module")
def url(way: Rough) -> Iterator[str]:
    with answering(way) as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, way: Rough) -> None:
    monkeypatch.setattr(remote, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(remote, "LOOK", 0.02)
    way.asked.clear()
    way.ills.clear()


def fetches(way: Rough) -> list[str]:
    """The ranges of the archive that were asked for."""
    return [range for what, range in way.asked if what.startswith("GET /api/v1/archive/files/")]


def left_behind(space: Workspace) -> list[str]:
    """Archives that lie at the console."""
    return [row["file"] for row in archives.listed(space)]


def test_a_project_leaves_a_console_as_it_leaves_a_folder(
    here: Say, there: Say, space: Workspace, worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "aimass.toml").write_text(PROJECT)
    code, out, err = there("export", tmp_path / "aimass.toml", "--to", tmp_path / "far.zip", "--json")
    assert code == 0, err
    far = json.loads(out)
    near = json.loads(here("export", tmp_path / "aimass.toml", "--to", tmp_path / "near.zip", "--json")[1])
    same = {*far} - {"file", "sha256", "bytes"}  # in each stands when it was made
    assert {*far} == {*near} and {name: far[name] for name in same} == {name: near[name] for name in same}
    file = tmp_path / "far.zip"
    assert (far["file"], far["sha256"], far["bytes"]) == (str(file), digest_of_file(file), file.stat().st_size)
    assert import_project(Workspace(tmp_path / "w"), file)["versions"] == ["p@1", "p@2"]
    assert left_behind(space) == [] and sorted(path.suffix for path in tmp_path.iterdir()) == [
        "",
        ".toml",
        ".zip",
        ".zip",
    ]
    refused = there("export", "p", "--to", file)
    assert refused[::2] == here("export", "p", "--to", file)[::2] and refused[0] == 2


def test_a_fetch_that_breaks_off_goes_on_at_once_and_at_the_next_command(
    there: Say, way: Rough, space: Workspace, worker: Worker, tmp_path: Path
) -> None:
    file, broken = tmp_path / "p.zip", ("GET /api/v1/archive/files/", "broken")
    way.ills += [broken] * 3  # one more than it tries again
    code, _, err = there("export", "p", "--to", file)
    assert code == 1 and "broke off" in err and not file.exists()
    [part] = tmp_path.iterdir()
    have, jobs = part.stat().st_size, len(Jobs(space.catalog).rows())
    way.ills.append(broken)
    code, out, err = there("export", "p", "--to", file)
    assert code == 0 and "which was fetched in part" in err and "artifacts" in out
    assert [*tmp_path.iterdir()] == [file] and len(Jobs(space.catalog).rows()) == jobs
    begun = [int(range.removeprefix("bytes=").removesuffix("-")) for range in fetches(way)]
    assert begun[0] == 0 and begun[3] == have and begun == sorted({*begun}), begun
    assert import_project(Workspace(tmp_path / "w"), file)["versions"] and left_behind(space) == []


def test_bytes_that_are_others_are_not_kept(there: Say, way: Rough, worker: Worker, tmp_path: Path) -> None:
    way.ills.append(("GET /api/v1/archive/files/", "other"))
    code, _, err = there("export", "p", "--to", tmp_path / "p.zip")
    assert code == 1 and "what came is not what was sent" in err and not [*tmp_path.iterdir()]
    code, _, err = there("export", "p", "--to", tmp_path / "none" / "p.zip")
    assert code == 1 and "No such file" in err


def brought(folder: Path, project: str, rows: int) -> Path:
    """An archive of another workspace's PROJECT."""
    other = Workspace(folder / "other")
    numbers = other.run(task_of(chain.make, {}, rows=rows), save_as=f"{project}/numbers")
    other.run(task_of(chain.total, {"dataset": numbers.digest}), save_as=f"{project}/total")
    export_project(other, project, folder / "from afar!.zip")
    return folder / "from afar!.zip"


def nothing_left(space: Workspace) -> bool:
    return left_behind(space) == [] and not [*(space.folder / "uploads").glob("*")]


def test_a_project_comes_in_with_the_words_and_json_of_a_folder(
    there: Say, said: Say, space: Workspace, worker: Worker, tmp_path: Path
) -> None:
    file, names = brought(tmp_path, "far", 7), space.names()
    near = "-w", str(tmp_path / "w")
    for words in (("--look",), ("--look", "--json")):
        assert there("import", file, *words)[:2] == said(*near, "import", file, *words)[:2]
    assert space.names() == names and nothing_left(space)
    far, here = there("import", file), said(*near, "import", file)
    assert far[:2] == here[:2] and far[0] == 0, far[2]
    assert "files are whole" in far[2] and space.get("far/total").digest and nothing_left(space)
    again = [json.loads(said(*where, "import", file, "--measure", "none", "--json")[1]) for where in ((), near)]
    assert again[0] == again[1] and again[0]["new"]["artifacts"] == 0


def test_pieces_whose_answer_was_lost_have_come_and_the_next_command_sends_the_rest(
    there: Say, way: Rough, space: Workspace, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE", 1000)
    file, lost = brought(tmp_path, "later", 8), ("PUT /api/v1/uploads/", "broken")
    pieces = -(-file.stat().st_size // 1000)
    assert pieces > 3
    way.ills += [lost] * 3  # one more than it tries again
    code, _, err = there("import", file)
    assert code == 1 and "broke off" in err
    way.asked.clear()
    way.ills.append(lost)
    code, _, err = there("import", file)
    puts = [what for what, _ in way.asked if what.startswith("PUT")]
    assert code == 0 and len(puts) == pieces - 1 + 1, err  # one had come; one was asked again
    assert space.get("later/total").digest and nothing_left(space)


def test_what_does_not_go_in_is_said_as_in_a_folder_and_leaves_nothing(
    here: Say, there: Say, way: Rough, space: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "evil.zip").write_bytes(b"PK evil")
    for file in (tmp_path / "evil.zip", tmp_path / "none.zip"):
        assert there("import", file) == here("import", file)
        assert there("import", file)[0] == 2 and way.asked == []
    other = brought(tmp_path, "p", 9)
    code, _, err = there("import", other)
    assert code == here("import", other)[0] == 2 and nothing_left(space)
    assert "p cannot come into this workspace: p/numbers leads to" in err


def test_a_budget_that_does_not_hold_there_is_exit_code_3(
    there: Say, space: Workspace, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = {"budget": "p99_ms", "what": "p99", "asked": 5.0, "unit": "ms",
            "there": {"measured": 3.0, "interval": [2.9, 3.1], "met": True},
            "here": {"measured": 9.0, "interval": [8.9, None], "met": False}}  # fmt: skip
    held = {"release": "far@1", "report": "0" * 64, "budgets": [line], "holds": False, "why": "p99 upper bound 9 ms"}

    def measured(worker: Worker, row: Any) -> None:
        worker.jobs.end(row["id"], worker.holder, FINISHED, outcome={"versions": ["far@1"], "releases": [held]})

    monkeypatch.setattr(Worker, "see_through", measured)
    code, out, err = there("import", brought(tmp_path, "far", 7))
    assert code == 3 and "far@1 does not keep its budgets on this machine: p99 upper bound 9 ms" in err
    assert out.splitlines()[-1].split()[:4] == ["far@1", "p99", "5", "ms"] and out.endswith("does not hold\n")


def test_an_import_that_nobody_hears_of_any_more_keeps_its_archive(
    there: Say, way: Rough, space: Workspace, tmp_path: Path
) -> None:
    way.ills += [("GET /api/v1/jobs/", "broken")] * 3
    code, _, err = there("import", brought(tmp_path, "far", 7))
    assert code == 1 and "does not answer" in err and "job " in err
    [file] = left_behind(space)
    jobs = Jobs(space.catalog)
    assert jobs.rows(1)[0]["work"]["file"] == file and jobs.cancel(jobs.rows(1)[0]["id"])
    archives.found(space, file).unlink()


def test_a_report_is_the_one_of_the_folder(here: Say, there: Say, space: Workspace, tmp_path: Path) -> None:
    for what in ("2", "flights@2", "flights@champion", space.resolve("flights@1")):
        for say, name in ((here, "near"), (there, "far")):
            code, out, err = say("report", what, "-o", tmp_path / name)
            assert code == 0 and out.startswith(str(tmp_path / name)), err
        assert (tmp_path / "near").read_bytes() == (tmp_path / "far").read_bytes()
    for what in ("99", "flights@9", "p/numbers"):
        assert there("report", what)[::2] == here("report", what)[::2] and there("report", what)[0] == 2
