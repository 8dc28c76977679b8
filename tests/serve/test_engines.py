"""A release is run by the engine that it asks for; one in a process of its own may fail and the server does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import SAMPLE

from aimass.core.errors import InputError
from aimass.engines.base import Died
from aimass.serve.failures import meaning
from aimass.serve.predictor import Wanted, load

HOST = {"use": "host", "limits": {"failures": 1}}


@pytest.fixture
def asking(folder: Path, tmp_path: Path) -> Any:
    """The model's folder, with an engine.json of these settings."""

    def make(**engine: Any) -> Path:
        place = tmp_path / "model"
        shutil.copytree(folder, place)
        (place / "engine.json").write_text(json.dumps(engine))
        return place

    return make


def test_the_engine_of_the_release_is_used_and_ends_with_it(asking: Any) -> None:
    served = load(Wanted(asking(**HOST), "flights"))
    host: Any = served.around.at_stop[0].__self__  # type: ignore[attr-defined]
    pid = host.pid
    assert served.blocks and served.batcher.beside
    assert served.health() == {}
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while not served.health() and time.monotonic() < until:
        time.sleep(0.01)
    assert served.health()["host"]["last_failure"] == "its process was killed by SIGKILL"
    served.close()
    assert host.state == "stopped"


def test_an_engine_that_is_not_known_is_no_model_to_serve(asking: Any) -> None:
    with pytest.raises(InputError, match="did you mean 'onnxruntime'"):
        load(Wanted(asking(use="onnxruntim"), "flights"))


def test_a_process_that_died_is_503_and_says_nothing_of_what_it_printed() -> None:
    status, body, fields = meaning(Died("the process of the model exited with code 3; its last lines: secret"), "id-1")
    assert (status, body["request"], fields) == (503, "id-1", ((b"retry-after", b"1"),))
    assert "secret" not in json.dumps(body)


def test_a_server_answers_with_the_engine_of_its_folder(asking: Any, start: Any) -> None:
    import urllib.request

    with start(asking(use="onnxruntime", threads=2)) as server:
        url = f"http://127.0.0.1:{server.port}/v1/predict/flights"
        request = urllib.request.Request(url, json.dumps({"records": SAMPLE[:1]}).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert len(json.load(answer)["predictions"]) == 1
