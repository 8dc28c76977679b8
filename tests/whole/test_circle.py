"""Raw rows to a measured, live endpoint, by one command."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from aimass.runner.workspace import Workspace
from tests.whole import tiny
from tests.whole.conftest import Finished, Say

CANDIDATES = ["linear", "mlp", "mlp + quantize-int8-dynamic"]


def test_the_outcome_says_what_was_asked_what_was_measured_and_what_was_published(finished: Finished) -> None:
    out = finished.out
    goal = {line["budget"]: line for line in out["goal"]}
    assert {name: line["asked"] for name, line in goal.items()} == {"floor": 0.55, "p99_ms": 2000.0, "size_mb": 50.0}
    for line in goal.values():
        low, high = line["interval"]
        assert line["met"] is True and low <= line["measured"] <= high
    assert goal["floor"]["interval"][0] > 0.55
    adopted = [row for row in out["ledger"] if row["status"] == "adopted"]
    assert [row["candidate"] for row in adopted] == [out["pick"]["candidate"]]
    assert [row["candidate"] for row in out["ledger"] if "quality" in row] == CANDIDATES
    assert all(row["reason"] for row in out["ledger"])
    assert out["release"]["version"] == "tiny@1" and out["release"]["alias"] == "tiny@champion"
    assert out["endpoint"]["path"] == "/v1/predict/tiny"
    assert set(out["endpoint"]["record"]) == {"size", "colour", "note", "day"}


def test_the_outcome_says_the_seconds_of_every_step(finished: Finished) -> None:
    seconds = finished.out["seconds"]
    steps = {"collect", "clean", "prepare", "train", "compress", "measure", "choose", "publish"}
    assert set(seconds) == {*steps, "search", "total"}
    assert all(seconds[step] > 0 for step in steps)
    assert seconds["search"] >= seconds["train"] + seconds["compress"] + seconds["measure"] + seconds["choose"]
    assert seconds["total"] >= seconds["collect"] + seconds["search"] + seconds["publish"]


def test_every_artifact_of_the_outcome_is_in_the_store_and_leads_back_to_the_rows(finished: Finished) -> None:
    place, made = Workspace(finished.workspace), finished.out["artifacts"]
    kinds = {name: place.get(digest).kind for name, digest in made.items()}
    assert kinds["collect/tiny"] == kinds["clean"] == "dataset"
    assert [kinds[f"train/{name}"] for name in ("linear", "mlp")] == ["model", "model"]
    assert kinds["compress/mlp + quantize-int8-dynamic"] == "model"
    assert [kinds[f"measure/{name}"] for name in CANDIDATES] == ["report"] * 3
    assert place.get("tiny/ledger").digest == made["ledger"]
    assert place.get("tiny/mlp").digest == made["train/mlp"]

    def above(node: dict[str, Any]) -> Iterator[str]:
        yield node["digest"]
        for parent in node["parents"]:
            yield from above(parent)

    assert {made["collect/tiny"], made["prepare"], made["ledger"]} <= set(above(place.lineage("tiny@1")))
    assert place.verify() == []


def test_a_second_run_reuses_every_finished_step_and_says_so(finished: Finished) -> None:
    assert finished.out_again["artifacts"] == finished.out["artifacts"]
    assert finished.out_again["release"] == finished.out["release"]
    assert finished.out_again["ledger"] == finished.out["ledger"]
    steps = [line for line in finished.printed.splitlines() if line.startswith("✓ ") and " s " in line]
    again = [line for line in finished.printed_again.splitlines() if line.endswith(("(reused)", "(unchanged)"))]
    assert len(steps) == len(again) == 11
    assert again[0].startswith("= collect") and all(line.startswith("↻ ") for line in again[1:])
    states = [run["state"] for run in Workspace(finished.workspace).runs()]
    assert states[:10] == ["reused"] * 10 and "running" not in states


@pytest.fixture(scope="module")
def endpoint(finished: Finished) -> Iterator[str]:
    """`aimass serve tiny --port 0 --json`; it must end well when told to."""
    words = tiny.command("serve", "tiny", "--port", "0", "--json", workspace=finished.workspace)
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=tiny.ENVIRONMENT)
    assert server.stdout is not None
    with server:
        try:
            yield json.loads(server.stdout.readline())["url"]
        finally:
            server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


def ask(url: str, body: Any) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_served_version_answers_its_sample_record_as_the_outcome_says(finished: Finished, endpoint: str) -> None:
    told = finished.out["endpoint"]
    status, answer = ask(endpoint + told["path"], {"records": [told["record"]]})
    assert (status, answer["predictions"]) == (200, [told["answer"]])
    assert set(told["answer"]["probabilities"]) == {"yes", "no"}


def test_the_served_version_has_learnt_the_rows(finished: Finished, endpoint: str) -> None:
    rows = [line.split(",") for line in tiny.lines(60)]
    records = [{"size": float(r[0]), "colour": r[1], "note": r[2], "day": r[3]} for r in rows]
    status, answer = ask(f"{endpoint}/v1/predict/tiny", {"records": records})
    right = sum(p["label"] == row[4] for p, row in zip(answer["predictions"], rows, strict=True))
    assert status == 200 and right >= 45


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"size": ...}, "size"),
        ({"weight": 3}, "weight"),
        ({"size": "large"}, "size"),
        ({"colour": 3}, "colour"),
        ({"day": "yesterday"}, "day"),
        ({"colour": ..., "color": "red"}, "colour"),
    ],
    ids=["missing", "extra", "text for a number", "number for a category", "no date", "renamed"],
)
def test_a_wrong_record_gets_an_answer_that_names_the_field(
    finished: Finished, endpoint: str, change: dict[str, Any], names: str
) -> None:
    record = {**finished.out["endpoint"]["record"], **change}
    record = {name: value for name, value in record.items() if value is not ...}
    status, answer = ask(f"{endpoint}/v1/predict/tiny", {"records": [record]})
    assert 400 <= status < 500
    assert names in answer["error"], answer
    assert ask(f"{endpoint}/v1/predict/tiny", {"records": [finished.out["endpoint"]["record"]]})[0] == 200


def test_a_taken_port_is_said(finished: Finished, say: Say) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, err = say(finished.workspace, "serve", "tiny", "--port", str(port))
    assert code == 2 and f"port {port} of 127.0.0.1 is taken" in err
    assert "expected: a free port" in err and "to do:" in err
