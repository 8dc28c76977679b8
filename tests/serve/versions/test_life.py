"""Versions come and go while requests are answered: what is said over HTTP, and what happens to those who ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import Reply

from aimass.serve.app import App
from aimass.serve.messages import Refused
from aimass.serve.predictor import Wanted, load
from aimass.serve.versions.prove import Probation
from aimass.serve.versions.repository import Folder

Say = Callable[..., Awaitable[Reply]]


async def trusted(wanted: Wanted) -> None:
    """No probation: what is tested here comes after it."""


def said(shelf: Path, talk: Callable[[Say, App], Awaitable[None]], *, prove: Any = trusted, begin: str = "1") -> None:
    """Let TALK speak with an application that serves version BEGIN of m, and could load the others."""

    async def main() -> None:
        repository = Folder(shelf)
        app = App([load(repository.find("m", begin))], repository=repository, prove=prove)

        async def say(method: str, path: str, body: Any = None, **headers: str) -> Reply:
            raw = b"" if body is None else json.dumps(body).encode()
            named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
            sent: list[Any] = []

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": raw, "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            await app({"type": "http", "method": method, "path": path, "headers": named}, receive, send)
            told = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
            return Reply(sent[0]["status"], told, sent[1]["body"])

        try:
            await talk(say, app)
        finally:
            for model in app.life.models:
                model.close()

    asyncio.run(asyncio.wait_for(main(), 60))


async def version_of(say: Say, path: str = "/v1/predict/m", **headers: str) -> int:
    """Which version answers."""
    reply = await say("POST", path, {"record": {"a": 7.0}}, **headers)
    assert reply.status == 200, reply.body
    value = reply.json["predictions"][0]["value"]
    version = int((value - 7.0) / 1000)
    assert reply.json["model"] == f"m@{version}" and value == 1000.0 * version + 7.0
    return version


async def settled(app: App) -> None:
    while app.life.tasks:
        await asyncio.gather(*app.life.tasks)


def test_a_version_that_is_loaded_answers_and_the_one_before_stays_ready_for_a_return(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        assert await version_of(say) == 1
        assert (await say("POST", "/v2/repository/models/m/load", {"parameters": {"version": "2"}})).status == 200
        assert await version_of(say) == 2
        assert await version_of(say, "/v1/predict/m/versions/1") == 1
        assert (await say("POST", "/v1/deployments/m/rollback")).json["shares"] == {"1": 1.0}
        assert await version_of(say) == 1
        await settled(app)
        assert (await say("POST", "/v1/predict/m/versions/2", {"record": {"a": 7.0}})).status == 404

    said(shelf, talk)


def test_load_without_a_version_takes_the_newest_that_can_answer(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        reply = await say("POST", "/v2/repository/models/m/load")
        assert reply.status == 400 and "m@6 cannot be served" in reply.json["error"]
        assert await version_of(say) == 1

    said(shelf, talk, prove=Probation(60))


@pytest.mark.parametrize(("version", "why"), [("5", "cannot be loaded"), ("6", "is [nan]")])
def test_a_version_that_fails_in_probation_changes_nothing(shelf: Path, version: str, why: str) -> None:
    async def talk(say: Say, app: App) -> None:
        reply = await say("POST", "/v1/deployments/m/serve", {"version": version})
        assert reply.status == 400 and why in reply.json["error"]
        assert await version_of(say) == 1
        states = {entry["version"]: entry for entry in (await say("POST", "/v2/repository/index")).json}
        assert states["1"]["state"] == "READY" and states["2"]["state"] == "UNAVAILABLE"
        assert why in states[version]["reason"]
        assert any(event["event"] == "refused" for event in (await say("GET", "/v1/deployments/m")).json["events"])

    said(shelf, talk, prove=Probation(60))


@pytest.mark.parametrize("field", ["user", "User"])
def test_a_canary_gets_its_share_and_is_promoted(field: str, shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        reply = await say("POST", "/v1/deployments/m/canary", {"version": "2", "share": 0.5, "sticky": field})
        assert reply.json["shares"] == {"1": 0.5, "2": 0.5} and reply.json["on_trial"]
        found = [await version_of(say, user=f"u{i}") for i in range(60)]
        assert set(found) == {1, 2} and found == [await version_of(say, user=f"u{i}") for i in range(60)]
        assert (await say("POST", "/v1/deployments/m/promote")).json["shares"] == {"2": 1.0}
        assert {await version_of(say, user=f"u{i}") for i in range(20)} == {2}

    said(shelf, talk)


def test_a_request_may_name_its_version_by_path_by_label_and_by_a_field(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        await say("POST", "/v1/deployments/m/label", {"label": "next", "version": "3"})
        assert await version_of(say) == 1
        assert await version_of(say, x_model_version="3") == 3
        assert await version_of(say, x_model_version="next") == 3
        assert await version_of(say, "/v1/predict/m/versions/next") == 3
        reply = await say("POST", "/v1/predict/m", {"record": {"a": 1.0}}, x_model_version="9")
        assert reply.status == 404 and "no version '9'" in reply.json["error"]

    said(shelf, talk)


def test_a_shadow_answers_nobody_and_is_compared(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        await say("POST", "/v1/deployments/m/shadow", {"version": "2"})
        for _ in range(20):
            assert await version_of(say) == 1
        infer = {"inputs": [{"name": "a", "shape": [2, 1], "datatype": "FP64", "data": [1, 2]}]}
        infer["inputs"][0]["shape"] = [2]
        assert (await say("POST", "/v2/models/m/infer", infer)).json["model_version"] == "1"
        assert (await say("POST", "/v1/predict/m", {"record": {"a": "no number"}})).status == 400
        while app.life.loaded["m", "2"].busy:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        compared = (await say("GET", "/v1/deployments/m")).json["compared"]
        assert compared["rows_compared"] == compared["rows_that_differ"] == 22
        assert compared["largest_difference"] == {"value": 1000.0}

    said(shelf, talk)


def test_the_last_version_is_unloaded_and_the_model_is_not_ready(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        assert (await say("POST", "/v2/repository/models/m/unload")).status == 200
        await settled(app)
        assert (await say("GET", "/v2/models/m/ready")).status == 503
        assert (await say("POST", "/v1/predict/m", {"record": {"a": 1.0}})).status == 404
        assert (await say("POST", "/v2/repository/models/m/load", {"parameters": {"version": 1}})).status == 200
        assert await version_of(say) == 1

    said(shelf, talk)


def test_a_version_that_answers_with_faults_is_taken_back_by_itself(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        await say("POST", "/v1/deployments/m/serve", {"version": "2"})

        def fails(tensors: Any) -> Any:
            raise RuntimeError("broken in production")

        app.life.loaded["m", "2"].served.predict = fails
        replies = await asyncio.gather(*(say("POST", "/v1/predict/m", {"record": {"a": 1.0}}) for _ in range(60)))
        assert {reply.status for reply in replies} == {500}
        app.life.look()
        await settled(app)
        assert await version_of(say) == 1
        event = (await say("GET", "/v1/deployments/m")).json["events"][-2]
        assert event["event"] == "plan" and "60 of 60 answers were faults" in event["why"]

    said(shelf, talk)


def test_changes_at_once_leave_one_version_that_answers(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        changes = [say("POST", "/v1/deployments/m/serve", {"version": str(2 + i % 3)}) for i in range(9)]
        assert {reply.status for reply in await asyncio.gather(*changes)} == {200}
        await settled(app)
        assert await version_of(say) in (2, 3, 4)
        assert {word for _, word in app.life.loaded} == set(app.life.plan("m").needed)

    said(shelf, talk)


WRONG = [
    ("POST", "/v1/deployments/m/serve", {"version": "77"}, 404),
    ("POST", "/v1/deployments/m/serve", {"version": "../1"}, 404),
    ("POST", "/v1/deployments/other/serve", {}, 404),
    ("POST", "/v1/deployments/m/serve", {"folder": "/etc"}, 400),
    ("POST", "/v1/deployments/m/canary", {"version": "2"}, 400),
    ("POST", "/v1/deployments/m/canary", {"version": "2", "share": True}, 400),
    ("POST", "/v1/deployments/m/canary", {"version": "1", "share": 0.5}, 409),
    ("POST", "/v1/deployments/m/split", {"shares": {"1": 0.5}}, 400),
    ("POST", "/v1/deployments/m/split", {"shares": {"1": "all"}}, 400),
    ("POST", "/v1/deployments/m/promote", {}, 409),
    ("POST", "/v1/deployments/m/rollback", {}, 409),
    ("POST", "/v1/deployments/m/explode", {}, 404),
    ("POST", "/v1/deployments/m/unload", {"version": "1"}, 409),
    ("POST", "/v1/deployments/m/serve", [], 400),
    ("POST", "/v2/repository/models/other/load", {}, 404),
    ("POST", "/v2/repository/models/m/load", {"parameters": {"config": "{}"}}, 400),
    ("POST", "/v2/repository/models/m/load", {"parameters": {"file:1/model.onnx": "AAAA"}}, 400),
    ("POST", "/v2/repository/models/other/unload", {}, 404),
    ("GET", "/v1/deployments/other", None, 404),
    ("DELETE", "/v1/deployments/m", None, 405),
]


def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(shelf: Path) -> None:
    async def talk(say: Say, app: App) -> None:
        for method, path, body, status in WRONG:
            reply = await say(method, path, body)
            assert (reply.status, bool(reply.json["error"])) == (status, True), (path, body, reply.body)
        assert await version_of(say) == 1 and [word for _, word in app.life.loaded] == ["1"]

    said(shelf, talk)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a probation process runs instead of the examples."""
    code: list[str] = []
    real = asyncio.create_subprocess_exec

    async def fake(program: str, *arguments: str, **options: Any) -> Any:
        return await real(program, "-c", code[0], **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", fake)
    yield code


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os.kill(os.getpid(), 11)", "by SIGSEGV"),
        ("import os; os._exit(3)", "with 3 and said nothing"),
        ("import time; time.sleep(60)", "within 1 s"),
        ("print('[1, 2'); print('not json')", "said nothing"),
        ("import os, sys; os.close(1); import time; time.sleep(60)", "within 1 s"),
    ],
)
def test_a_version_that_crashes_or_hangs_in_probation_is_refused(shelf: Path, processes, code: str, why: str) -> None:
    processes.append(code)
    with pytest.raises(Refused, match=why):
        asyncio.run(Probation(1.0)(Folder(shelf).find("m", "2")))


def test_what_is_printed_in_pieces_in_probation_is_read_to_its_end(shelf: Path, processes) -> None:
    processes.append("import time; print('a warning', flush=True); time.sleep(0.2); print('{\"memory\": 7}')")
    assert asyncio.run(Probation(60.0)(Folder(shelf).find("m", "2"))) == {"memory": 7}


def test_a_version_that_needs_more_memory_than_it_may_is_refused(shelf: Path) -> None:
    with pytest.raises(Refused, match="MB of memory"):
        asyncio.run(Probation(60.0, memory_mb=10)(Folder(shelf).find("m", "2")))
    assert asyncio.run(Probation(60.0, memory_mb=4000)(Folder(shelf).find("m", "2")))["seconds"]
