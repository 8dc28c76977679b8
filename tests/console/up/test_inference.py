"""What is published is answered, also what comes later; what cannot be loaded stands in nobody's way; and doors."""

from __future__ import annotations

import json
import os
import signal
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from aimass.console.endpoints.served import endpoint
from aimass.console.up import house
from aimass.console.up import state as file
from aimass.console.up.plans import read
from aimass.runner.workspace import Workspace
from tests.console.up.test_supervisor import aimass, asked, member, there, until, up
from tests.serve.access.certificates import made
from tests.serve.ray.conftest import publish
from tests.serve.versions.conftest import write_version


def predicted(url: str, name: str, key: str = "") -> Any:
    body = json.dumps({"record": {"a": 7.0}}).encode()
    fields = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(f"{url}/v1/predict/{name}", body, fields)
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


def test_the_console_speaks_tls_and_the_endpoints_ask_for_keys_where_that_is_wanted(tmp_path: Path) -> None:
    space, keys, files = tmp_path / "space", tmp_path / "keys.jsonl", made(tmp_path, "console")
    workspace = Workspace(space)
    publish(workspace, write_version(tmp_path / "made" / "1", 1), "m")
    key = aimass(space, "keys", "create", "web", "--keys", str(keys)).stdout.strip()
    secured = ("--keys", str(keys), "--tls-cert", str(files.cert), "--tls-key", str(files.key))
    with up(space, "--workers", "0", *secured) as process:
        state = there(space)
        assert state.console.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=files.cert)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{state.console}api/v1/me", timeout=20, context=context)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            predicted(state.inference, "m")
        assert predicted(state.inference, "m", key) == 1007
        assert endpoint(workspace, "m")["state"] == "serving"  # as the console asks
        mine = space / file.FOLDER / house.FILE
        assert mine.stat().st_mode & 0o777 == 0o600 and mine.read_text() not in json.dumps(state.as_json())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert not mine.exists()


def test_what_cannot_be_read_or_is_no_address_is_said_before_anything_starts(tmp_path: Path) -> None:
    files = made(tmp_path, "console")
    for words, fault in (
        (("--tls-cert", str(files.cert)), "TLS needs --tls-key, too"),
        (("--tls-cert", str(files.key), "--tls-key", str(files.key)), "cannot be read"),
        (("--keys", str(tmp_path / "none")), "none"),
        (("--proxy", "127.0.0.1, *"), "'*' is no address"),
    ):
        done = aimass(tmp_path / "space", "up", "--port", "0", *words)
        assert done.returncode == 2 and fault in done.stderr
