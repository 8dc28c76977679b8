"""What is published is answered, also what comes later; what cannot be loaded stands in nobody's way."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

from aimass.console.up import state as file
from aimass.console.up.plans import read
from aimass.runner.workspace import Workspace
from tests.console.up.test_supervisor import asked, member, there, until, up
from tests.serve.ray.conftest import publish
from tests.serve.versions.conftest import write_version


def predicted(url: str, name: str) -> Any:
    body = json.dumps({"record": {"a": 7.0}}).encode()
    request = urllib.request.Request(f"{url}/v1/predict/{name}", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())["predictions"][0]["value"]


def test_published_names_are_served_and_later_ones_too(tmp_path: Path) -> None:
    space = tmp_path / "space"
    workspace = Workspace(space)
    publish(workspace, write_version(tmp_path / "made" / "1", 1), "m")
    broken = write_version(tmp_path / "made" / "2", 2)
    (broken / "model.onnx").write_bytes(b"no model")
    publish(workspace, broken, "broken")
    with up(space, "--workers", "0"):
        url = there(space).inference
        assert predicted(url, "m") == 1007
        assert asked(f"{url}/v2/models/broken/ready")[0] != 200
        publish(workspace, write_version(tmp_path / "made" / "3", 3), "later")
        until(lambda: asked(f"{url}/v2/models/later/ready")[0] == 200)
        assert predicted(url, "later") == 3007
        publish(
            workspace, write_version(tmp_path / "made" / "4", 4), "m"
        )  # the champion now, and nobody switched to it
        until(lambda: set(read(space / file.FOLDER / "plans.json")) == {"m", "later"})
        os.kill(member(space, "inference")["pid"], signal.SIGKILL)
        until(lambda: member(space, "inference")["state"] == "ready" and member(space, "inference")["restarts"])
        assert predicted(url, "m") == 1007
    log = (space / file.FOLDER / "inference.log").read_text()
    assert "m@1 is served" in log and "broken@1 is not served" in log
