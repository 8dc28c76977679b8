"""Keys at a real server: made and revoked by the command while it runs, asked for by both protocols."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from tests.serve.access.test_tls import BODY, METADATA, PATH, until
from tests.serve.conftest import running
from tests.serve.test_server import ask

from aimass.cli.main import cli
from aimass.serve.grpc.messages import CLASSES


@pytest.fixture
def keys(tmp_path: Path) -> Callable[..., str]:
    """`aimass keys` with the file of this test."""
    path = tmp_path / "keys.jsonl"

    def said(*words: str) -> str:
        done = CliRunner().invoke(cli, ["keys", *words, "--keys", str(path)])
        assert done.exit_code == 0, f"{done.output} {done.exception!r}"
        return done.output.strip()

    said.path = path  # type: ignore[attr-defined]
    return said


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def code(port: int, **fields: str) -> int:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(METADATA, lambda sent: b"", CLASSES["ServerMetadataResponse"].FromString)
        try:
            call(None, timeout=30, metadata=[(name.replace("_", "-"), value) for name, value in fields.items()])
        except grpc.RpcError as error:
            return int(error.code().value[0])  # type: ignore[attr-defined]
        return 0


def test_a_key_opens_until_it_is_revoked_also_where_a_connection_is_open(folder: Path, keys: Any) -> None:
    first = keys("create", "web")
    with running(folder, "--keys", str(keys.path)) as server:
        assert ask(server.port, "GET", "/v2/health/live") == (200, {"live": True})
        assert ask(server.port, "POST", PATH, BODY)[0] == 401
        assert ask(server.port, "POST", PATH, BODY, bearer(first))[0] == 200
        assert code(server.port) == 16 and code(server.port, authorization=f"Bearer {first}") == 0

        second = keys("create", "later", "--scope", "predict")
        until(lambda: ask(server.port, "POST", PATH, BODY, {"x-api-key": second})[0] == 200)
        assert ask(server.port, "GET", "/v1/health", None, bearer(second))[0] == 403
        assert code(server.port, x_api_key=second) == 7

        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

        def status() -> int:
            kept.request("POST", PATH, BODY, bearer(second))
            answer = kept.getresponse()
            answer.read()
            return answer.status

        assert [status(), status()] == [200, 200]
        keys("revoke", "later")
        until(lambda: status() == 401)
        assert kept.sock is not None and ask(server.port, "POST", PATH, BODY, bearer(first))[0] == 200
        assert server.end() == (0, "")


def test_rows_of_a_day_are_known_after_a_restart(folder: Path, keys: Any) -> None:
    token = keys("create", "few", "--quota", "5")
    for expected in ([200, 200, 429], [429]):
        with running(folder, "--keys", str(keys.path)) as server:
            assert [ask(server.port, "POST", PATH, BODY, bearer(token))[0] for _ in expected] == expected
            assert server.end() == (0, "")


def test_a_file_that_is_damaged_while_it_runs_locks_nobody_out_and_health_says_so(folder: Path, keys: Any) -> None:
    token = keys("create", "web")
    with running(folder, "--keys", str(keys.path)) as server:
        keys.path.write_text("{")

        def told() -> Any:
            return ask(server.port, "GET", "/v1/health", None, bearer(token))[1]

        until(lambda: "line 1" in told().get("access", {}).get("keys", ""))
        assert ask(server.port, "POST", PATH, BODY, bearer(token))[0] == 200


def test_many_connections_of_one_key_share_its_rate(folder: Path, keys: Any) -> None:
    token = keys("create", "slow", "--requests", "0.001", "--burst", "5000")
    with running(folder, "--keys", str(keys.path)) as server:
        statuses = [ask(server.port, "GET", "/v2", None, bearer(token))[0] for _ in range(8)]
        assert sorted(statuses) == [200] * 5 + [429] * 3


# -- the command ----------------------------------------------------------------------------------------------


def test_a_secret_is_told_once_and_is_nowhere_in_the_files(keys: Any) -> None:
    token = keys("create", "web", "--scope", "predict", "--model", "eu-*", "--expires", "2100-01-01", "--rows", "100")
    secret = token.partition("_")[2].partition("_")[2]
    assert all(secret not in file.read_text() for file in keys.path.parent.iterdir())
    assert secret not in keys("list") and "eu-*" in keys("list")
    (row,) = json.loads(keys("list", "--json"))
    assert row["scopes"] == ["predict"] and row["rows"] == 100 and not {"salt", "hash"} & set(row)


def test_json_has_the_key_and_what_it_may(keys: Any) -> None:
    made = json.loads(keys("create", "web", "--json"))
    assert made["key"].startswith(f"aim_{made['id']}_") and made["scopes"] == ["predict", "read"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "web", "--scope", "predcit"), "did you mean 'predict'"),
        (("create", "web", "--expires", "tomorrow"), "no date"),
        (("create", "web", "--per", "week"), "week"),
        (("revoke", "nobody"), "no key is called 'nobody'"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(words: tuple[str, ...], told: str, keys: Any) -> None:
    keys("create", "first")
    before = keys.path.read_bytes()
    done = CliRunner().invoke(cli, ["keys", *words, "--keys", str(keys.path)])
    assert told in str(done.exception) and keys.path.read_bytes() == before


def test_two_keys_of_one_name_are_revoked_by_their_ids(keys: Any) -> None:
    ids = [json.loads(keys("create", "twin", "--json"))["id"] for _ in range(2)]
    done = CliRunner().invoke(cli, ["keys", "revoke", "twin", "--keys", str(keys.path)])
    assert all(id in str(done.exception) for id in ids) or "2 keys" in str(done.exception)
    keys("revoke", ids[0])
    keys("revoke", "twin")
    assert all("revoked" in row for row in json.loads(keys("list", "--json")))
