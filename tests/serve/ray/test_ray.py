"""Several replicas placed by Ray: the same answers directly and through its proxy, healed, and gone at the end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serve.conftest import SAMPLE, SIGNATURE

PREDICT, INFER, RECORDS = "/v1/predict/flights", "/v2/models/flights/infer", {"records": SAMPLE}
Serving = tuple[subprocess.Popen[str], dict[str, Any]]


def ask(url: str, method: str, path: str, body: Any = None, **fields: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body)
        connection.request(method, path, raw, {name.replace("_", "-"): text for name, text in fields.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def tensors() -> dict[str, Any]:
    kinds = {"float64": ("FP64", 0.5), "string": ("BYTES", "red"), "int64": ("INT64", 1356998400000000)}
    rows = [(field.name, *kinds[field.dtype]) for field in SIGNATURE.rows]
    return {"inputs": [{"name": n, "datatype": kind, "shape": [1], "data": [value]} for n, kind, value in rows]}


def in_binary() -> tuple[bytes, dict[str, str]]:
    """The same request; its number is sent as it lies in memory."""
    request, number = tensors(), np.array([0.5]).tobytes()
    del request["inputs"][0]["data"]
    request["inputs"][0]["parameters"] = {"binary_data_size": len(number)}
    head = json.dumps(request).encode()
    return head + number, {"inference_header_content_length": str(len(head))}


def processes(root: int) -> set[int]:
    """ROOT and all that came from it."""
    parents = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(place.parent.name)] = int(place.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found, size = {root}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found


def listening(pids: set[int]) -> dict[int, tuple[str, int]]:
    """By port, the address as the kernel writes it and the process of PIDS that listens there."""
    sockets = {}
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets[str(fd.readlink())] = pid
            except FileNotFoundError:
                continue
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            words = line.split()
            pid = sockets.get(f"socket:[{words[9]}]")
            if words[3] == "0A" and pid is not None:
                address, _, port = words[1].partition(":")
                found[int(port, 16)] = address, pid
    return found


QUESTIONS = {
    "records": ("POST", PREDICT, RECORDS, 200),
    "a version by its number": ("POST", f"{PREDICT}/versions/1", RECORDS, 200),
    "V2": ("POST", INFER, tensors(), 200),
    "V1": ("POST", "/v1/models/flights:predict", {"instances": SAMPLE}, 200),
    "metadata": ("GET", "/v2/models/flights", None, 200),
    "readiness": ("GET", "/v2/health/ready", None, 200),
    "no JSON": ("POST", PREDICT, b"{", 400),
    "a field that is not known": ("POST", PREDICT, {"record": {"sise": 1}}, 400),
    "a tensor that lacks": ("POST", INFER, {"inputs": []}, 400),
    "no such model": ("POST", "/v1/predict/fligths", RECORDS, 404),
    "no such path": ("GET", "/v1/nothing", None, 404),
    "no such method": ("DELETE", "/v2", None, 405),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_the_same_directly_and_through_the_proxy(replicas: Serving, question: str) -> None:
    method, path, body, status = QUESTIONS[question]
    facts = replicas[1]
    answers = [ask(url, method, path, body) for url in (*facts["urls"], facts["url"])]
    assert len(answers) == 3 and answers[0][0] == status and json.loads(answers[0][1])
    assert answers[1:] == answers[:1] * 2


def test_binary_tensors_are_answered_as_those_in_json(replicas: Serving) -> None:
    body, fields = in_binary()
    for url in (*replicas[1]["urls"], replicas[1]["url"]):
        said, plain = (json.loads(ask(url, "POST", INFER, *words[0], **words[1])[1])["outputs"]
                       for words in (((body,), fields), ((tensors(),), {})))  # fmt: skip
        assert said == plain


def test_each_replica_knows_them_all(replicas: Serving) -> None:
    urls = replicas[1]["urls"]
    for url in urls:
        assert json.loads(ask(url, "GET", "/v1/replicas")[1]) == {"urls": urls, "here": url}


def version(url: str) -> str:
    """Who answers at URL."""
    return str(json.loads(ask(url, "POST", INFER, tensors())[1])["model_version"])


def until(found: Callable[[], Any]) -> Any:
    over = time.monotonic() + 60
    while not (something := found()) and time.monotonic() < over:
        time.sleep(0.05)
    assert something
    return something


def test_a_version_is_changed_everywhere_while_requests_run_and_none_is_lost(replicas: Serving) -> None:
    urls, over = replicas[1]["urls"], threading.Event()

    def asks(url: str) -> list[tuple[int, str]]:
        found = []
        while not over.is_set():
            status, said = ask(url, "POST", INFER, tensors())
            found.append((status, json.loads(said)["model_version"]))
        return [*found, (200, version(url))]

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(asks, url) for url in urls]
        try:
            status, said = ask(urls[0], "POST", "/v2/repository/models/flights/load", {"parameters": {"version": "2"}})
        finally:
            over.set()
        assert status == 200, said
        for one in asked:
            answers = one.result()
            assert {status for status, _ in answers} == {200} and answers[0][1] == "1" and answers[-1][1] == "2"
            assert answers == sorted(answers)  # who has heard of the second version never hears of the first again


def test_a_share_a_parameter_and_metrics_are_those_of_all_replicas(replicas: Serving) -> None:
    here, there = replicas[1]["urls"]
    assert ask(here, "PATCH", "/v1/parameters", {"models/flights/call_rows": 64})[0] == 200
    values = {row["name"]: row["value"] for row in json.loads(ask(there, "GET", "/v1/parameters")[1])["parameters"]}
    assert values["models/flights/call_rows"] == 64
    assert ask(there, "POST", "/v1/deployments/flights/canary", {"version": "1", "share": 0})[0] == 200
    assert json.loads(ask(here, "GET", "/v1/deployments/flights")[1])["shares"] == {"2": 1.0, "1": 0.0}
    line = 'aimass_requests_total{model="flights",version="2",status="200"} '

    def counted(url: str) -> int:
        return int(ask(url, "GET", "/metrics")[1].decode().partition(line)[2].partition("\n")[0])

    before = counted(here)
    assert [version(url) for url in (here, there)] == ["2", "2"]
    assert counted(here) == counted(there) == before + 2


def test_the_centre_is_started_again_and_learns_what_is_served(replicas: Serving) -> None:
    process, facts = replicas
    centre = next(pid for pid in processes(process.pid) if b"Centre" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(centre, signal.SIGKILL)

    def joined() -> bool:
        assert [version(url) for url in facts["urls"]] == ["2", "2"]  # it is in nobody's way
        status, said = ask(facts["urls"][0], "GET", "/v1/replicas")
        return status == 200 and json.loads(said)["urls"] == facts["urls"]

    until(joined)
    assert ask(facts["urls"][0], "POST", "/v1/deployments/flights/rollback", {})[0] == 200
    shares = [json.loads(ask(url, "GET", "/v1/deployments/flights")[1])["shares"] for url in facts["urls"]]
    assert shares == [{"2": 1.0}] * 2


def test_nothing_listens_but_at_loopback(replicas: Serving) -> None:
    found = listening(processes(replicas[0].pid))
    assert {int(url.rpartition(":")[2]) for url in (*replicas[1]["urls"], replicas[1]["url"])} <= set(found)
    loopback = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
    assert {port: address for port, (address, _) in found.items() if address not in loopback} == {}


def test_a_killed_replica_comes_back_and_the_other_answers_meanwhile(replicas: Serving) -> None:
    process, facts = replicas
    dead, alive = facts["urls"]
    os.kill(listening(processes(process.pid))[int(dead.rpartition(":")[2])][1], signal.SIGKILL)

    def healed() -> list[str]:
        status, said = ask(alive, "GET", "/v1/replicas")
        urls: list[str] = json.loads(said)["urls"]
        assert status == 200 and alive in urls
        return urls if len(urls) == 2 and dead not in urls else []

    urls = until(healed)
    assert ask(urls[0], "POST", PREDICT, RECORDS) == ask(urls[1], "POST", PREDICT, RECORDS)
    assert [version(url) for url in urls] == ["2", "2"]  # what is served by now, not what the command said


def test_the_end_leaves_no_process(replicas: Serving) -> None:
    process, _ = replicas
    before = processes(process.pid)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    over = time.monotonic() + 20
    while (left := {pid for pid in before if Path(f"/proc/{pid}/exe").exists()}) and time.monotonic() < over:
        time.sleep(0.1)
    assert len(before) > 5 and not left
