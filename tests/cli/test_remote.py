"""The same commands against a console: same words, same JSON, same errors; and plain words where a folder is needed."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Say, key_of
from tests.runner import chain
from tests.runner.test_runners import task_of

from aimass.cli import remote
from aimass.cli.main import COMMANDS, STEPS
from aimass.cli.remote import Remote
from aimass.console.jobs.work import data_of
from aimass.console.jobs.worker import Worker
from aimass.core.errors import InputError, StoreError
from aimass.runner.workspace import Workspace

ROWS = 'name = "far"\n[steps.rows]\ndo = "collect"\nname = "far/rows"\nsource = { use = "csv", path = "rows.csv" }\n'
BROKEN = ROWS.replace("rows.csv", "nothing.csv")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Ten numbers, their sum with figures and a log, a failed run, a name and a version."""
    found = Workspace(tmp_path_factory.mktemp("remote") / "w")
    rows = found.run(task_of(chain.make, {}, rows=10), save_as="rows")
    total = found.run(task_of(chain.total, {"dataset": rows.digest}))
    found.register_version("sum", total.digest)
    with pytest.raises(InputError):
        found.run(task_of(chain.fail, {}, how="input"))
    return found


ASKED = [
    ("ls",), ("ls", "--kind", "dataset"), ("ls", "runs", "--limit", "2"), ("ls", "names"), ("ls", "versions"),
    ("show", "sum@1"), ("show", "rows"), ("lineage", "sum@1"), ("logs", "1"), ("logs", "2"), ("logs", "3"),
    ("curves", "2", "--points", "4"), ("parts", "metric"),
]  # fmt: skip


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_what_is_asked_of_a_console_is_answered_as_in_the_folder(here: Say, there: Say, words: tuple[str, ...]) -> None:
    assert there(*words, "--json") == here(*words, "--json")
    far, near = there(*words), here(*words)
    assert far[0] == near[0] == 0
    lines = [
        [line for line in out.splitlines() if not line.startswith(("folder ", "console "))] for out in (far[1], near[1])
    ]
    assert lines[0] == lines[1] != []


@pytest.mark.parametrize("words", [*ASKED[:5], *ASKED[8:11]], ids=" ".join)
def test_what_takes_many_answers_is_the_same(
    here: Say, there: Say, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAGE", 1)
    assert there(*words, "--json") == here(*words, "--json")


def test_no_answer_grows_with_the_catalog(space: Workspace, url: str) -> None:
    asked = Remote(url, key_of(space, "admin"))
    for what in ("artifacts", "runs", "names", "versions", "log"):
        run = {"run": "2"} if what == "log" else {}
        with pytest.raises(InputError, match="less than or equal to 1000"):
            asked.ask("GET", f"facts/{what}", limit=1001, **run)
        for after in ("x", "WzFd", "WyJ4Il0", "e30", "W10", "WzEsMSwxXQ"):
            try:
                page = asked.ask("GET", f"facts/{what}", after=after, limit=1, **run)
                assert len(page["rows"]) <= 1  # a place is a place, also where nothing stands
            except InputError as error:
                assert error.what == "the cursor is none of ours"


WRONG = [
    ("show", "sums"), ("lineage", "abcdef"), ("logs", "99"), ("curves", "x"), ("ls", "run"), ("logs", "../jobs"),
    ("show", "../../etc/passwd"), ("ls", "--kind", "models"),
]  # fmt: skip


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_an_error_has_the_same_words_and_exit_code(here: Say, there: Say, words: tuple[str, ...]) -> None:
    assert there(*words)[::2] == here(*words)[::2]
    assert there(*words)[0] == 2


ITSELF = [("serve", "sum"), ("up",), ("down",), ("predict", "a", "b", "c"), ("advise",), ("run", "--serve"),
          ("password", "ada")]  # fmt: skip
BOTH = ("run", "ls", "show", "lineage", "logs", "curves", "status", "doctor", "report", "export", "import")
NEITHER = ("init", "keys", "parts")  # they need files, or nothing


@pytest.mark.parametrize("words", ITSELF, ids=" ".join)
def test_what_needs_the_workspace_itself_says_so(there: Say, words: tuple[str, ...]) -> None:
    code, _, err = there(*words)
    assert code == 2 and "needs the workspace itself, and AIMASS_URL names a console" in err


def test_every_command_works_at_a_console_or_says_why_not() -> None:
    itself = {words[0] for words in ITSELF} - {"run"}
    assert {*BOTH, *NEITHER} | itself == {*COMMANDS, "predict"}  # each is tried here or in test_freight
    assert "predict" in STEPS and not {*STEPS} & {*COMMANDS}  # all other steps are one and the same command


def test_the_doctor_looks_at_the_console(there: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    row = json.loads(there("doctor", "--json")[1])[-1]
    assert (row["what"], row["state"]) == ("console", "fit") and "last run 2" in row["found"]
    monkeypatch.setenv("AIMASS_KEY", "nonsense")
    code, out, _ = there("doctor", "--json")
    assert code == 1 and "set AIMASS_KEY" in json.loads(out)[-1]["to_do"]


def test_a_folder_that_is_typed_says_more_than_the_environment(there: Say, tmp_path: Path) -> None:
    assert there("-w", tmp_path / "w", "ls")[:2] == (0, "(nothing)\n")
    assert there("ls")[1] != "(nothing)\n"
    code, _, err = there("--url", "http://127.0.0.1:1", "-w", tmp_path / "w", "ls")
    assert code == 2 and "a folder is named, too" in err


def test_a_project_is_carried_out_by_the_workers_of_the_console(
    there: Say, space: Workspace, worker: Worker, tmp_path: Path
) -> None:
    data_of(space).mkdir(exist_ok=True)
    (data_of(space) / "rows.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "aimass.toml").write_text(ROWS)
    code, out, err = there("run", tmp_path / "aimass.toml", "--json", tmp_path / "out.json")
    assert code == 0, out + err
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["project"] == "far" and space.open(told["artifacts"]["rows"]).facts["rows"] == 2
    assert "started   collect rows" in out and "finished  collect rows" in out
    (data_of(space) / "more.csv").write_text("x,y\n1,2\n3,4\n5,6\n")
    code, out, err = there("run", tmp_path, "--set", "steps.rows.source.path=more.csv", "--quiet")
    assert (code, out) == (0, ""), err
    assert space.runs(1)[0]["state"] == "finished" and space.artifacts("dataset", 1)[0]["facts"]["rows"] == 3


def test_a_project_that_fails_there_fails_here_in_its_own_words(there: Say, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "aimass.toml").write_text(BROKEN)
    code, _, err = there("run", tmp_path / "aimass.toml")
    assert code == 2 and "nothing.csv" in err and "to do:" in err
    assert there("run", tmp_path / "none.toml")[0] == 2
    code, _, err = there("run", tmp_path / "aimass.toml", "--until", "never")
    assert code == 2


def test_a_step_is_a_job(there: Say, here: Say, space: Workspace, worker: Worker) -> None:
    (data_of(space)).mkdir(exist_ok=True)
    file = data_of(space) / "step.csv"
    file.write_text("x\n1\n2\n3\n")
    code, out, err = there("collect", "--name", "steps/one", "--use", "csv", "--set", f"source.path={file}")
    assert code == 0 and "rows 3" in out, err
    assert here("ls")[1] == there("ls")[1]
    code, _, err = there(
        "collect", "--name", "x/y", "--use", "csv", "--set", f"source.path={file}", "--on", "processes"
    )
    assert code == 2 and "--on says where this machine works" in err


def test_a_task_is_repeated_there(there: Say, space: Workspace, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "task.json").write_text(space.run_row("2")["task_json"])
    code, out, err = there("task", tmp_path / "task.json")
    assert (code, out) == (0, f"{space.run_row('2')['output']}\n"), err


def test_status_is_that_of_the_console(there: Say) -> None:
    _, out, _ = there("status")
    assert "jobs:" in out and out.startswith("name")
    told = json.loads(there("status", "--json")[1])
    assert told["up"] and {"good", "warning", "bad", "off"} >= {one["state"] for one in told["centres"]}


def test_rights_are_those_of_the_key(
    there: Say, space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aimass.toml").write_text(ROWS)
    monkeypatch.setenv("AIMASS_KEY", key_of(space, "viewer"))
    assert there("ls")[0] == 0
    code, _, err = there("run", tmp_path / "aimass.toml")
    assert code == 2 and "jobs.ask" in err
    monkeypatch.setenv("AIMASS_KEY", key_of(space, "operator"))
    code, _, err = there("run", tmp_path / "aimass.toml", "--set", "steps.rows.source.path=/etc/passwd")
    assert code == 2 and "'/etc/passwd'" in err and "jobs.outside" in err
    for key in ("", "nonsense"):
        monkeypatch.setenv("AIMASS_KEY", key)
        code, _, err = there("ls")
        assert code == 2 and "set AIMASS_KEY" in err


@pytest.mark.parametrize(
    ("address", "code", "says"),
    [
        ("http://127.0.0.1:1", 1, "does not answer"), ("ftp://x", 2, "where a console answers"),
        ("file:///etc/passwd", 2, "where a console answers"), ("console", 2, "where a console answers"),
    ],
)  # fmt: skip
def test_where_no_console_is_that_is_said(said: Say, address: str, code: int, says: str) -> None:
    found = said("--url", address, "ls")
    assert found[0] == code and says in found[2]


Answers = Callable[[str], tuple[int, Any]]


@pytest.fixture
def console() -> Iterator[Callable[[Answers], Remote]]:
    """A console that answers what a test wants."""
    servers: list[HTTPServer] = []

    def begin(answer: Answers) -> Remote:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answer(self.path.partition("/api/v1/")[2])
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[0].serve_forever, daemon=True).start()
        return Remote(f"http://127.0.0.1:{servers[0].server_address[1]}")

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def job(away: int, text: str) -> Answers:
    """Of a job that ends well and has said TEXT; AWAY times the console says that it cannot answer just now."""
    asked, left = itertools.count(), iter(range(away))

    def answer(path: str) -> tuple[int, Any]:
        if path != "jobs" and next(asked) % 2 == 0 and next(left, None) is not None:
            return 503, {"error": "the catalog is busy"}
        if "log" in path:
            at = int(path.rpartition("=")[2])
            return 200, {"text": text[at : at + 10], "next": min(at + 10, len(text))}
        return 200, {"id": "7", "state": "finished", "outcome": {"digest": "x"}}

    return answer


def test_the_last_line_of_a_job_is_told_though_it_has_no_end(console: Callable[[Answers], Remote]) -> None:
    said: list[str] = []
    assert console(job(0, "a first line\nand the last")).job({}, said.append) == {"digest": "x"}
    assert said[1:] == ["a first line", "and the last"]


def test_a_console_that_is_away_for_a_while_is_asked_again(
    console: Callable[[Answers], Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(remote.time, "sleep", waits.append)
    said: list[str] = []
    assert console(job(3, "done\n")).job({}, said.append) == {"digest": "x"}
    assert said[1:] == ["done"] and waits.count(remote.PAUSES[0]) == 3


def test_a_console_that_stays_away_is_given_up_in_words(
    console: Callable[[Answers], Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(remote.time, "sleep", waits.append)
    found = console(lambda path: (201, {"id": "7"}) if path == "jobs" else (502, {"error": "bad gateway"}))
    with pytest.raises(StoreError, match=r"asked again for 47\.7 s") as gone:
        found.job({}, [].append)
    assert "job 7 may go on there" in gone.value.todo
    assert tuple(waits) == remote.PAUSES


def test_the_key_follows_no_redirect_and_what_is_no_console_is_said() -> None:
    seen: list[Any] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["authorization"]))
            self.send_response(302 if "versions" in self.path else 200)
            self.send_header("location", f"http://127.0.0.1:{self.server.server_address[1]}/elsewhere")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    remote = Remote(f"http://127.0.0.1:{server.server_address[1]}/team/#/runs", "secret")
    try:
        with pytest.raises(InputError, match="answered 302"):
            remote.versions()
        with pytest.raises(Exception, match="does not answer"):
            remote.names()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
    assert [path.partition("?")[0] for path, _ in seen] == ["/team/api/v1/facts/versions", "/team/api/v1/facts/names"]
