"""The live socket: news once and in order, also after a break; who may listen, and for how long."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.console.conftest import Guest

from aimass.console.access.caller import Caller
from aimass.console.api import live
from aimass.console.jobs.attempt import log_of
from aimass.console.live.source import Source
from aimass.console.live.topic import Topic
from aimass.console.place import Place
from aimass.core.errors import StoreError
from aimass.core.task import Task
from aimass.store.catalog import Catalog
from aimass.store.jobs import Jobs

AT = "/api/v1/live"
TASK = Task("train", 1, {}, {})


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No beats, however slow the machine is."""
    monkeypatch.setattr(live, "BEAT", 1000.0)


@pytest.fixture
def viewer(guest: Guest) -> Iterator[TestClient]:
    """Somebody who may look, with one event loop for all sockets."""
    with guest("viewer") as client:
        yield client


@pytest.fixture
def run(catalog: Catalog) -> str:
    return catalog.start_run(TASK)


def ask(socket: WebSocketTestSession, topic: str, since: int | None = None) -> None:
    socket.send_json({"subscribe": topic, "since": since})


def until(socket: WebSocketTestSession, enough: Callable[[list[Any]], Any]) -> list[Any]:
    """The messages up to the one with which they are ENOUGH."""
    found: list[Any] = []
    while not enough(found):
        found.append(socket.receive_json())
    return found


def values(messages: list[Any]) -> list[float]:
    return [point[3] for message in messages for point in message.get("data", {}).get("points", [])]


def wait(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_page_gets_what_a_run_reports_and_says_and_how_it_ends(
    viewer: TestClient, catalog: Catalog, run: str
) -> None:
    with viewer.websocket_connect(AT) as socket:
        ask(socket, f"run/{run}")
        first = socket.receive_json()
        assert (first["topic"], first["data"]["run"]["state"], first["data"]["points"]) == (f"run/{run}", "running", [])
        for i in range(5):
            catalog.add_metrics(run, [("loss", float(i), i / 4)])
        catalog.add_log(run, "done")
        catalog.end_run(run, "finished", output="a" * 64)
        told = until(socket, lambda found: any(m["data"].get("run", {}).get("state") == "finished" for m in found))
        assert values(told) == [0, 0.25, 0.5, 0.75, 1]
        assert [line["text"] for message in told for line in message["data"]["lines"]] == ["done"]
        assert [message["n"] for message in told] == list(range(first["n"] + 1, first["n"] + 1 + len(told)))


def test_after_a_break_a_page_gets_what_it_lacks_and_nothing_twice(
    viewer: TestClient, catalog: Catalog, place: Place, run: str
) -> None:
    topic = f"run/{run}"
    with viewer.websocket_connect(AT) as socket:
        ask(socket, topic)
        seen = socket.receive_json()["n"]
        catalog.add_metrics(run, [("loss", 0.0, 0.0)])
        told = until(socket, values)
        seen = told[-1]["n"]
    got = values(told)
    for i in range(1, 4):
        before = place.feed.topics[topic].n
        catalog.add_metrics(run, [("loss", float(i), float(i))])
        wait(lambda: place.feed.topics[topic].n > before)  # noqa: B023
    with viewer.websocket_connect(AT) as socket:
        ask(socket, topic, seen)
        catalog.add_metrics(run, [("loss", 4.0, 4.0)])
        got += values(until(socket, lambda found: 4.0 in values(found)))
    assert got == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("since", [0, 1, 1 << 62])
def test_a_number_of_another_time_means_to_load_again(viewer: TestClient, run: str, since: int) -> None:
    with viewer.websocket_connect(AT) as socket:
        ask(socket, "runs", since)
        told = socket.receive_json()
        assert (told["topic"], told["reset"]) == ("runs", True) and told["n"] > 1


def test_ten_tabs_hear_of_a_run_that_begins(viewer: TestClient, catalog: Catalog) -> None:
    sockets = [viewer.websocket_connect(AT) for _ in range(10)]
    for socket in sockets:
        socket.__enter__()
        ask(socket, "runs")
        assert socket.receive_json()["data"] == {"changed": []}
    run = catalog.start_run(TASK)
    told = [until(socket, len)[0] for socket in sockets]
    assert all(message == told[0] for message in told)
    assert [row["id"] for row in told[0]["data"]["changed"]] == [int(run)]
    for socket in sockets:
        socket.__exit__(None, None, None)


def test_a_topic_that_was_left_is_heard_no_more(viewer: TestClient, catalog: Catalog, run: str) -> None:
    with viewer.websocket_connect(AT) as socket:
        ask(socket, f"run/{run}")
        ask(socket, "runs")
        until(socket, lambda found: len(found) == 2)
        socket.send_json({"unsubscribe": f"run/{run}"})
        socket.send_json({"pace": 0.05})
        ask(socket, "run/999")
        assert socket.receive_json()["error"] == "there is no run 999"  # so the words before it have been heard
        catalog.end_run(run, "stopped")
        assert until(socket, len)[0]["topic"] == "runs"


@pytest.mark.parametrize("left", ["first", "second"])
def test_a_topic_that_is_left_while_news_are_sent_stays_left(place: Place, left: str) -> None:
    feed, topics = place.feed, {name: Topic(name) for name in ("first", "second")}
    sent: list[str] = []

    class Page:
        """Leaves a topic while it reads the first news."""

        async def send_text(self, text: str) -> None:
            sent.append(json.loads(text)["topic"])
            await tab._do(live.Unsubscribe(unsubscribe=left))

    tab = live.Tab(cast(WebSocket, Page()), Caller("ada"), place)
    for name, topic in topics.items():
        topic.watchers += 1
        tab.topics[name] = feed, topic, topic.n
        topic.tell(1)
        topic.tell(2)
    asyncio.run(tab._news())
    assert sent == (["first", "second", "second"] if left == "first" else ["first", "first"])
    assert set(tab.topics) == set(topics) - {left}
    tab.close()
    assert [topic.watchers for topic in topics.values()] == [0, 0], "so the feed drops them in time"


def test_what_is_no_message_is_told_so_and_the_socket_stays(viewer: TestClient, run: str) -> None:
    junk = ["", "{", "[]", "null", '{"subscribe": 1}', '{"pace": -1}', '{"pace": 1e9}', '{"subscribe":"runs","x":1}',
            '{"subscribe":"runs","since":-1}', '{"subscribe":"runs","since":1e99}', "[" * 4000]  # fmt: skip
    with viewer.websocket_connect(AT) as socket:
        for text in junk:
            socket.send_text(text)
            assert socket.receive_json()["error"] == "this is not understood", text
        socket.send_bytes(b"\xff\x00")
        assert "error" in socket.receive_json()
        for topic in ("jobs/1", "run/0", "run/x", "run/1 ", "run/" + "9" * 30, "job/01", "home/1", "endpoints\n", ""):
            ask(socket, topic)
            told = socket.receive_json()
            assert "no topic is called" in told["error"] and told["topic"] == topic
        ask(socket, "runs")
        assert socket.receive_json()["data"] == {"changed": []}


def test_a_topic_is_for_those_who_may_ask_for_what_it_tells_of(viewer: TestClient, place: Place) -> None:
    place.kinds[1] = place.kinds[1]._replace(needs="users.see")
    with viewer.websocket_connect(AT) as socket:
        for topic in ("jobs", "job/1"):
            ask(socket, topic)
            told = socket.receive_json()
            assert told["topic"] == topic and told["expected"].startswith("the permission users.see")
        assert place.kinds[1].feed.topics == {}
        ask(socket, "home")
        assert socket.receive_json()["data"] == {}


def test_what_a_job_says_is_read_once_and_whole_by_who_was_away(
    viewer: TestClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(place.catalog)
    job = jobs.ask("task", {})["id"]
    log = log_of(place.workspace, job)
    log.parent.mkdir(parents=True)
    topic, at, got = f"job/{job}", 0, ""

    def say(text: bytes) -> None:
        with log.open("ab") as file:
            file.write(text)

    def read() -> None:
        nonlocal at, got
        page = viewer.get(f"/api/v1/jobs/{job}/log", params={"at": at}).json()
        at, got = page["next"], got + page["text"]

    with viewer.websocket_connect(AT) as socket:
        ask(socket, topic)
        seen = socket.receive_json()["n"]
        read()
        say("one, zw\xc3".encode("latin-1"))
        seen = socket.receive_json()["n"]
        read()
        assert got == "one, zw"  # half a letter is none
    say("\xb6lf\n".encode("latin-1"))
    feed = place.kinds[1].feed
    wait(lambda: feed.topics[topic].n > seen)
    say(b"while nobody listened\n")
    jobs.cancel(job)
    with viewer.websocket_connect(AT) as socket:
        ask(socket, topic, seen)
        while not got.endswith("listened\n"):
            seen = socket.receive_json()["n"]
            read()
    assert got == "one, zw\u00f6lf\nwhile nobody listened\n"


def test_a_message_that_is_too_large_ends_the_socket(viewer: TestClient) -> None:
    with viewer.websocket_connect(AT) as socket:
        socket.send_text(json.dumps({"subscribe": "x" * 5000}))
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_json()
        assert caught.value.code == 1009


def test_topics_and_tabs_are_bounded(viewer: TestClient, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TOPICS", 1)
    monkeypatch.setattr(live, "TABS", 1)
    with viewer.websocket_connect(AT) as socket:
        ask(socket, "runs")
        socket.receive_json()
        ask(socket, f"run/{run}")
        assert socket.receive_json()["error"] == "1 topics are watched already"
        with pytest.raises(WebSocketDenialResponse) as caught, viewer.websocket_connect(AT):
            pass
        assert caught.value.status_code == 429
    with viewer.websocket_connect(AT) as socket:
        ask(socket, "runs")
        assert socket.receive_json()["topic"] == "runs"


def test_strangers_and_pages_of_others_hear_nothing(app: FastAPI, viewer: TestClient) -> None:
    for client, headers, status in (
        (TestClient(app), {}, 401),
        (viewer, {"origin": "https://evil.example"}, 403),
        (viewer, {"origin": "null"}, 403),
        (viewer, {"sec-fetch-site": "cross-site"}, 403),
    ):
        with pytest.raises(WebSocketDenialResponse) as caught, client.websocket_connect(AT, headers=headers):
            pass
        assert caught.value.status_code == status
    with viewer.websocket_connect(AT, headers={"origin": "http://testserver"}) as socket:
        ask(socket, "runs")
        assert socket.receive_json()["n"]


def test_who_is_put_out_hears_nothing_more(
    viewer: TestClient, admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RECHECK", 0.02)
    with viewer.websocket_connect(AT) as socket:
        ask(socket, "runs")
        socket.receive_json()
        assert admin.patch("/api/v1/users/viewer", json={"disabled": True}).status_code == 200
        with pytest.raises(WebSocketDisconnect) as caught:
            until(socket, lambda found: False)
        assert (caught.value.code, caught.value.reason) == (4401, "nobody is signed in")


def test_a_quiet_socket_says_that_it_lives(viewer: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.02)
    with viewer.websocket_connect(AT) as socket:
        assert socket.receive_json() == {"beat": True}


def test_when_looking_fails_it_goes_on_and_when_it_ends_pages_load_again(
    viewer: TestClient, catalog: Catalog, place: Place, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[Exception] = [StoreError("the disk is away"), StoreError("still"), ZeroDivisionError("a mistake")]
    monkeypatch.setattr("aimass.console.live.feed.AGAIN", 0.01)
    look = Source.look

    def failing(self: Source, names: set[str]) -> Any:
        if failures and catalog.logs(run) and (len(failures) > 1 or len(catalog.logs(run)) > 1):
            raise failures.pop(0)
        return look(self, names)

    monkeypatch.setattr(Source, "look", failing)
    with viewer.websocket_connect(AT) as socket:
        ask(socket, f"run/{run}")
        socket.receive_json()
        catalog.add_log(run, "while it cannot be read")
        assert until(socket, len)[0]["data"]["lines"][0]["text"] == "while it cannot be read"
        catalog.add_log(run, "never told")
        task = place.feed._task
        assert task is not None
        wait(task.done)
        ask(socket, "runs")
        told = until(socket, lambda found: len(found) == 2)
        assert {(message["topic"], message.get("reset")) for message in told} == {(f"run/{run}", True), ("runs", None)}


def test_nothing_is_asked_of_the_catalog_when_nobody_watches(
    viewer: TestClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aimass.console.live.feed.LINGER", 0.0)
    with viewer.websocket_connect(AT) as socket:
        ask(socket, "runs")
        socket.receive_json()
    task = place.feed._task
    assert task is not None
    wait(task.done)
    assert (place.feed.topics, place.feed.bells, place.tabs["viewer"]) == ({}, set(), set())
