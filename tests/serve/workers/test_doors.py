"""Keys and TLS of several workers: rights, rates and certificates are those of one server, whoever of them is asked."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.serve.access.certificates import made
from tests.serve.access.test_tls import shown, trusting, until
from tests.serve.conftest import serving
from tests.serve.workers.conftest import Crew

from aimass.serve.access.file import edit_keys
from aimass.serve.access.keys import new_key

WORKERS = 3
INSTANCES = {"instances": [{"a": 1.0}]}


@dataclass
class Guarded(Crew):
    """One that asks for keys and speaks TLS; `folder` has the files of both."""

    folder: Path = Path()

    def key(self, *scopes: str, **more: Any) -> str:
        """A key that was made, and is known to all workers."""
        key, token = new_key("some", scopes, **more)
        edit_keys(self.folder / "keys.jsonl", lambda keys: [*keys, key])
        unknown = 0
        while unknown < 12 * WORKERS:  # so many in a row, each of whoever was dealt it
            unknown = 0 if self.status("GET", "/v9", token) == 401 else unknown + 1
        return token

    def said(self, method: str, path: str, token: str = "", body: Any = None) -> tuple[int, Any]:
        """Over a connection of its own."""
        context = trusting(self.folder / "now.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        try:
            connection.request(method, path, body and json.dumps(body), {"x-api-key": token} if token else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def status(self, method: str, path: str, token: str = "", body: Any = None) -> int:
        return self.said(method, path, token, body)[0]

    def seats(self, token: str) -> list[dict[str, Any]]:
        return list(self.said("GET", "/v1/health", token)[1]["workers"])


@pytest.fixture(scope="module")
def guarded(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("doors")
    first = made(folder, "first")
    shutil.copy(first.key, folder / "now.key")
    shutil.copy(first.cert, folder / "now.pem")
    edit_keys(folder / "keys.jsonl", lambda keys: keys)
    tls = ("--tls-cert", str(folder / "now.pem"), "--tls-key", str(folder / "now.key"))
    more = ("--repository", str(shelf), "--workers", str(WORKERS), "--worker-failures", "100")
    with serving(*more, "--keys", str(folder / "keys.jsonl"), *tls, kind=Guarded) as found:
        found.folder = folder
        yield found
        code, said = found.end()
        assert code == 0 and all(line.startswith("worker ") for line in said.splitlines()), said


def test_v1_asks_every_worker_for_the_same_rights(guarded: Guarded) -> None:
    tokens = {scope: guarded.key(scope) for scope in ("predict", "read")}
    others = guarded.key("predict", "read", models=("other",))
    asked = (
        ("POST", "/v1/models/m:predict", INSTANCES, {"predict": 200, "read": 403}, 404),
        ("POST", "/v1/models/m/versions/3:predict", INSTANCES, {"predict": 200, "read": 403}, 404),
        ("GET", "/v1/models/m", None, {"predict": 403, "read": 200}, 404),
        ("GET", "/v1/models/m/metadata", None, {"predict": 403, "read": 200}, 404),
        ("GET", "/v1/models", None, {"predict": 403, "read": 200}, 200),
    )
    for method, path, body, expected, elsewhere in asked:
        for _ in range(3 * WORKERS):
            found = {scope: guarded.status(method, path, token, body) for scope, token in tokens.items()}
            assert (found, guarded.status(method, path, others, body)) == (expected, elsewhere), path
            assert guarded.status(method, path, "", body) == 401
    assert guarded.said("GET", "/v1/models", others)[1] == {"models": []}


def predicted(guarded: Guarded, token: str, times: int) -> list[int]:
    return [guarded.status("POST", "/v1/models/m:predict", token, INSTANCES) for _ in range(times)]


def followed(guarded: Guarded, reader: str) -> None:
    """Kill all workers, one after the other."""
    for seat, before in enumerate(guarded.seats(reader)):
        os.kill(before["pid"], signal.SIGKILL)
        until(lambda s=seat, b=before: (now := guarded.seats(reader)[s])["state"] == "ready" and now["pid"] != b["pid"])


def test_rates_and_quotas_hold_for_all_workers_and_are_known_to_those_that_follow(guarded: Guarded) -> None:
    reader, slow = guarded.key("read"), guarded.key("predict", requests=0.001, burst=20_000.0)
    few = guarded.key("predict", quota=20)
    for token in (slow, few):
        assert predicted(guarded, token, 12) == [200] * 12
    followed(guarded, reader)
    for token in (slow, few):
        assert predicted(guarded, token, 20) == [200] * 8 + [429] * 12
    used = guarded.folder / "keys.jsonl.used"
    until(lambda: 20 in [known["rows"] for known in json.loads(used.read_text()).values()])


def test_a_certificate_that_changes_is_shown_by_all_workers(guarded: Guarded) -> None:
    def serials() -> set[int]:
        return {shown(guarded.port, trusting(guarded.folder / "now.pem"))[0] for _ in range(8 * WORKERS)}

    assert len(serials()) == 1
    second = made(guarded.folder, "second")
    both = (guarded.folder / "now.pem").read_text() + second.cert.read_text()
    (guarded.folder / "trusted.pem").write_text(both)
    shutil.copy(second.key, guarded.folder / "now.key")
    shutil.copy(second.cert, guarded.folder / "now.pem")

    def renewed() -> bool:
        found = {shown(guarded.port, trusting(guarded.folder / "trusted.pem"))[0] for _ in range(8 * WORKERS)}
        return found == {second.serial}

    until(renewed)
    assert serials() == {second.serial}
