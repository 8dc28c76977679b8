"""Every path and method, for every kind of caller; and what somebody tries who may not."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serve.access.conftest import BODY, PREDICT, Desk
from tests.serve.conftest import SAMPLE, WORD

from aimass.serve.access.keys import SCOPES
from aimass.serve.grpc.messages import CLASSES

V2_BODY = json.dumps(
    {
        "inputs": [
            {"name": "size", "datatype": "FP64", "shape": [1], "data": [0.5]},
            {"name": WORD, "datatype": "BYTES", "shape": [1], "data": ["red"]},
            {"name": "seen", "datatype": "INT64", "shape": [1], "data": [0]},
        ]
    }
).encode()

V1_BODY = json.dumps({"instances": SAMPLE}).encode()

# scope, method, path, body: what there is.
ENDPOINTS = [
    ("", "GET", "/v2/health/live", b""),
    ("", "GET", "/v2/health/ready", b""),
    ("", "HEAD", "/v2/health/live", b""),
    ("predict", "POST", PREDICT, BODY),
    ("predict", "POST", PREDICT + "/", BODY),
    ("predict", "POST", "/v2/models/flights/infer", V2_BODY),
    ("predict", "POST", "/v2/models/flights/versions/3/infer", V2_BODY),
    ("read", "GET", "/", b""),
    ("read", "GET", "/v1/docs", b""),
    ("read", "HEAD", "/v1/docs", b""),
    ("read", "GET", "/v1/health", b""),
    ("read", "GET", "/metrics", b""),
    ("read", "GET", "/v2", b""),
    ("read", "GET", "/v2/models/stats", b""),
    ("read", "GET", "/v2/models/flights", b""),
    ("read", "GET", "/v2/models/flights/", b""),
    ("read", "GET", "/v2/models/flights/versions/3", b""),
    ("read", "GET", "/v2/models/flights/ready", b""),
    ("read", "GET", "/v2/models/flights/config", b""),
    ("read", "GET", "/v2/models/flights/stats", b""),
    ("read", "GET", "/v2/models/flights/versions/3/ready", b""),
    ("read", "GET", "/v2/models/flights/versions/3/config", b""),
    ("read", "GET", "/v2/models/flights/versions/3/stats", b""),
    ("read", "POST", "/v2/repository/index", b"{}"),
    ("predict", "POST", "/v1/models/flights:predict", V1_BODY),
    ("predict", "POST", "/v1/models/flights/versions/3:predict", V1_BODY),
    ("read", "GET", "/v1/models", b""),
    ("read", "GET", "/v1/models/flights", b""),
    ("read", "GET", "/v1/models/flights/versions/3", b""),
    ("read", "GET", "/v1/models/flights/metadata", b""),
    ("read", "GET", "/v1/deployments", b""),
    ("read", "GET", "/v1/deployments/flights", b""),
    ("manage", "POST", "/v1/deployments/flights/serve", b'{"version": "3"}'),
    ("manage", "POST", "/v2/repository/models/flights/load", b""),
    ("read", "GET", "/v1/parameters", b""),
    ("manage", "PATCH", "/v1/parameters", b'{"models/flights/call_rows": 512}'),
]
# What nothing answers, or not yet: closed all the same.
ELSEWHERE = [
    ("explain", "POST", "/v1/explain/flights"),
    ("explain", "POST", "/v2/models/flights/explain"),
    ("explain", "POST", "/v1/models/flights:explain"),
    ("explain", "POST", "/v1/explain/jobs"),
    ("explain", "GET", "/v1/explain/jobs/0-nothing"),
    ("explain", "DELETE", "/v1/explain/jobs/0-nothing"),
    ("predict", "POST", "/v1/feedback/flights"),
    ("read", "GET", "/v2/models/flights/trace/setting"),
    ("manage", "POST", "/v2/models/flights/trace/setting"),
    ("read", "GET", "/v2/logging"),
    ("read", "GET", "/v2/systemsharedmemory/status"),
    ("manage", "POST", "/v2/cudasharedmemory/region/a/register"),
    ("manage", "POST", "/v2/repository/models/absent/load"),
    ("manage", "POST", "/v2/repository/models/absent/unload"),
    ("manage", "POST", "/v1/deployments/absent/canary"),
    ("manage", "POST", "/v1/parameters/undo"),
    ("manage", "PUT", "/v1/models/flights/canary"),
    ("manage", "POST", "/v1/models/flights:promote"),
    ("manage", "DELETE", "/v2/models/flights"),
    ("manage", "POST", "/v1/docs"),
    ("manage", "OPTIONS", "/metrics"),
    ("read", "GET", "/v1/nothing"),
    ("read", "GET", "/../etc/passwd"),
    ("read", "GET", "//v1/docs"),
]
METHODS = {
    "ServerLive": "", "ServerReady": "", "ModelReady": "read", "ServerMetadata": "read", "ModelMetadata": "read",
    "ModelConfig": "read", "ModelStatistics": "read", "RepositoryIndex": "read", "ModelInfer": "predict",
    "RepositoryModelLoad": "manage", "RepositoryModelUnload": "manage", "NoSuchMethod": "manage",
    "ModelStreamInfer": "predict", "SystemSharedMemoryStatus": "read", "SystemSharedMemoryRegister": "read",
    "SystemSharedMemoryUnregister": "read", "CudaSharedMemoryStatus": "read", "CudaSharedMemoryRegister": "read",
    "CudaSharedMemoryUnregister": "read", "TraceSetting": "read", "LogSettings": "read",
}  # fmt: skip
UNAUTHENTICATED, DENIED, EXHAUSTED = 16, 7, 8


def allowed(status: int) -> bool:
    return status not in (401, 403)


# -- roles and endpoints --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "method", "path", "body"), ENDPOINTS, ids=lambda v: v if isinstance(v, str) else "")
def test_every_path_opens_for_its_scope_and_for_no_other(
    scope: str, method: str, path: str, body: bytes, desk: Desk
) -> None:
    wrong = desk.add("other")[:-3] + "AAA"
    expired = desk.add("expired", expires="2020-01-01")
    for token in ("", wrong, expired):
        assert desk(method, path, body, token).status == (401 if scope else 200)
    for held in SCOPES:
        token = desk.tokens.get(held) or desk.add(held, held)
        assert desk(method, path, body, token).status == (200 if held == scope or not scope else 403)
    everything = desk.add("everything")
    reply = desk(method, path, body, everything)
    assert reply.status == 200
    assert desk(method, path, body, x_api_key=everything).status == 200


@pytest.mark.parametrize(("scope", "method", "path"), ELSEWHERE)
def test_what_is_not_there_is_closed_too(scope: str, method: str, path: str, desk: Desk) -> None:
    assert desk(method, path, b"{").status == 401
    for held in SCOPES:
        assert allowed(desk(method, path, b"{", desk.add(held, held)).status) == (held == scope)


def test_every_path_of_the_application_is_in_the_table(desk: Desk) -> None:
    known = {path.rstrip("/") for _, _, path, _ in ENDPOINTS}
    known |= {path for _, _, path in ELSEWHERE}
    for path in desk.app.paths.fixed:
        assert path.rstrip("/") in known, f"{path} has no line in this test"
    for place in desk.app.paths.places:
        assert any(map(place.pattern.fullmatch, known)), f"{place.pattern.pattern} has no line in this test"


def test_every_method_of_the_service_is_in_the_table(desk: Desk) -> None:
    paths = [*desk.calls.methods, *desk.calls.streams]
    names = {path.decode().rpartition("/")[2] for path in paths if not path.startswith(b"/grpc.health")}
    assert names <= set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_opens_for_its_scope_and_for_no_other(method: str, desk: Desk) -> None:
    scope = METHODS[method]
    expired = desk.add("expired", expires="2020-01-01")
    for token in ("", "nonsense", expired):
        assert desk.grpc(method, token=token) == (UNAUTHENTICATED if scope else 0)
    for held in SCOPES:
        code = desk.grpc(method, token=desk.add(held, held))
        assert code not in (UNAUTHENTICATED, DENIED) if held == scope or not scope else code == DENIED
    assert desk.grpc(method, x_api_key=desk.add("everything")) not in (UNAUTHENTICATED, DENIED)


# -- what is told ---------------------------------------------------------------------------------------------


def test_refusals_say_how_and_what_and_nothing_more(desk: Desk) -> None:
    none, wrong = desk("POST", PREDICT, BODY), desk("POST", PREDICT, BODY, "x")
    assert none.headers["www-authenticate"] == 'Bearer realm="aimass"' and "authorization" in none.json["expected"]
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    reader = desk.add("reader", "read")
    lacks = desk("POST", PREDICT, BODY, reader)
    assert lacks.status == 403 and "'predict'" in lacks.json["error"]
    assert 'scope="predict"' in lacks.headers["www-authenticate"]


def test_an_unknown_key_and_a_wrong_secret_are_told_the_same(desk: Desk) -> None:
    token = desk.add("one")
    wrong, unknown = token[:-4] + "AAAA", "aim_" + "0" * 12 + token[16:]
    told = [desk("POST", PREDICT, BODY, shown, x_request_id="1") for shown in (wrong, unknown, "x", "aim_", token * 9)]
    assert len({(reply.status, reply.body, tuple(sorted(reply.headers.items()))) for reply in told}) == 1


def test_a_model_that_a_key_may_not_know_is_not_there(desk: Desk) -> None:
    token = desk.add("some", models=("fl*", "other-?"))
    assert desk("POST", PREDICT, BODY, token).status == 200
    for method, path in [
        ("POST", "/v1/predict/{}"), ("POST", "/v2/models/{}/infer"), ("GET", "/v2/models/{}"),
        ("POST", "/v1/predict/{}/"),
        ("GET", "/v2/models/{}/ready"), ("GET", "/v2/models/{}/config"), ("GET", "/v2/models/{}/stats"),
        ("GET", "/v1/predict/{}"), ("POST", "/v2/repository/models/{}/unload"), ("GET", "/v1/deployments/{}"),
        ("POST", "/v1/deployments/{}/canary"), ("POST", "/v1/models/{}:predict"), ("GET", "/v1/models/{}"),
        ("DELETE", "/v1/models/{}:canary"),
    ]:  # fmt: skip
        hidden, absent = (desk(method, path.format(name), BODY, token) for name in ("secret", "sesame"))
        assert hidden.status == absent.status == 404
        assert hidden.body.replace(b"secret", b"sesame") == absent.body
    for method, path in [
        ("GET", "/v1/health"), ("GET", "/metrics"), ("GET", "/v2/models/stats"), ("POST", "/v2/repository/index"),
        ("GET", "/v1/docs"), ("GET", "/"), ("GET", "/v1/deployments"), ("GET", "/v1/models"),
        ("POST", "/v2/repository/models/fl/load"),
        ("POST", "/v1/deployments/fl/canary"), ("POST", "/v1/deployments/fl/serve"),
        ("POST", "/v1/predict/other-1"), ("GET", "/v2/models/other-2"),
        ("GET", "/v2/models/fl/ready"), ("GET", "/v2/model/secre"),
    ]:  # fmt: skip
        reply = desk(method, path, b"", token)
        assert b"secret" not in reply.body and reply.status in (200, 400, 403, 404)
    assert "secret" in desk("POST", "/v2/repository/index", b"{}", desk.add("all")).body.decode()


def infer(name: str) -> bytes:
    """One row, as a message."""
    asked = CLASSES["ModelInferRequest"](model_name=name)
    columns = (("size", "FP64", b"\0" * 8), (WORD, "BYTES", b"\1\0\0\0a"), ("seen", "INT64", b"\0" * 8))
    for column, kind, raw in columns:
        asked.inputs.add(name=column, datatype=kind, shape=[1])
        asked.raw_input_contents.append(raw)
    found: bytes = asked.SerializeToString()
    return found


def test_every_request_of_a_stream_meets_the_guard(desk: Desk) -> None:
    some, slow = desk.add("some", models=("flights",)), desk.add("slow", requests=1, burst=1)

    def told(model: str, token: str) -> str:
        """The mistake that the only request of a stream is told."""
        assert desk.grpc("ModelStreamInfer", infer(model), token) == 0
        return str(CLASSES["ModelStreamInferResponse"].FromString(b"".join(desk.said)).error_message)

    assert told("flights", some) == "" and "secret" in told("secret", some)
    assert told("secret", desk.add("all")) == ""
    assert told("flights", slow) == "" and "1 requests a second" in told("flights", slow)
    assert desk.grpc("ModelStreamInfer", infer("flights"), desk.add("reader", "read")) == DENIED


def test_whether_the_server_lives_is_told_to_anybody(desk: Desk) -> None:
    assert desk.grpc("/grpc.health.v1.Health/Check") == 0


def test_a_model_that_a_key_may_not_know_is_not_there_over_grpc(desk: Desk) -> None:
    some, everything = desk.add("some", models=("flights",)), desk.add("all")

    for method in ("RepositoryModelLoad", "RepositoryModelUnload"):
        hidden = CLASSES[f"{method}Request"](model_name="secret").SerializeToString()
        assert desk.grpc(method, hidden, some) == 5
    for method in ("ModelReady", "ModelMetadata", "ModelConfig", "ModelStatistics"):
        asked = CLASSES[f"{method}Request"](name="secret").SerializeToString()
        assert desk.grpc(method, asked, some) == 5 and desk.grpc(method, asked, everything) == 0
    assert desk.grpc_many([("ModelInfer", infer("secret"))] * 3, everything) == [0, 0, 0]
    assert desk.grpc_many([("ModelInfer", infer("secret")), ("ModelInfer", infer("flights"))], some) == [5, 0]


def test_a_key_for_some_models_is_none_for_what_is_about_all_of_them(desk: Desk) -> None:
    some, everything = desk.add("some", models=("flights",)), desk.add("all")
    for method, path in [("POST", "/v1/reload"), ("GET", "/v1/traces"), ("DELETE", "/metrics")]:
        assert desk(method, path, b"", some).status == 403 and allowed(desk(method, path, b"", everything).status)


# -- attacks --------------------------------------------------------------------------------------------------


def test_a_head_that_was_let_in_is_no_way_in_for_another_key(desk: Desk) -> None:
    good = desk.add("good")
    for _ in range(3):
        assert desk("POST", PREDICT, BODY, good).status == 200
        for token in ("", good[:-1], good[:-1] + ("A" if good[-1] != "A" else "B"), good.upper(), good + " x"):
            assert desk("POST", PREDICT, BODY, token).status == 401
    reader = desk.add("reader", "read")
    assert [desk("POST", PREDICT, BODY, token).status for token in (good, reader, good)] == [200, 403, 200]


def test_a_revoked_key_is_refused_on_the_connection_that_it_opened(desk: Desk) -> None:
    token = desk.add("one")
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: {len(BODY)}\r\n\r\n"
    raw = head.encode() + BODY
    assert [reply.status for reply in desk.raw(raw, raw)] == [200, 200]
    (head_,) = [head for known, head in desk.front.heads.known.items() if token.encode() in known]
    assert head_.decision.refused is None
    desk.revoke(token)
    told = desk.raw(raw, raw)
    assert [reply.status for reply in told] == [401, 401] and "ended" in told[0].json["error"]


def test_a_revoked_key_is_refused_by_a_block_that_was_let_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    token = desk.add("one")
    blocks: list[Any] = []
    really = type(desk.guard).decided

    def noted(guard: Any, *given: Any) -> Any:
        blocks.append(given)
        return really(guard, *given)

    monkeypatch.setattr(type(desk.guard), "decided", noted)
    assert desk.grpc_many([("ServerMetadata", b"")] * 9, token) == [0] * 9
    assert len(blocks) < 9  # decided once, from when on the block is known
    desk.revoke(token)
    assert desk.grpc_many([("ServerMetadata", b"")] * 3, token) == [UNAUTHENTICATED] * 3


def test_a_key_that_ends_while_it_is_used_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    token = desk.add("one", expires="2100-01-01")
    assert desk("POST", PREDICT, BODY, token).status == 200
    later = time.time() + 100 * 365 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    desk.look()
    assert desk("POST", PREDICT, BODY, token).status == 401


def test_a_change_of_the_same_size_in_the_same_moment_is_seen(desk: Desk) -> None:
    token = desk.add("one", "read")
    stat = desk.path.stat()
    text = desk.path.read_text().replace('"read"', '"rea"')
    with desk.path.open("r+") as file:  # in its place, as editors do
        file.write(text + " ")
    os.utime(desk.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert desk.path.stat().st_size == stat.st_size
    desk.look()
    assert "line 1" in desk.access.health()["keys"] and desk("GET", "/v2", token=token).status == 200


def test_a_scope_that_is_taken_away_is_gone(desk: Desk) -> None:
    from dataclasses import replace

    token = desk.add("one")
    assert desk("POST", PREDICT, BODY, token).status == 200
    desk.edit(lambda keys: [replace(key, scopes=("read",)) for key in keys])
    assert desk("POST", PREDICT, BODY, token).status == 403
    desk.edit(lambda keys: [replace(key, scopes=("predict",), models=("secret",)) for key in keys])
    assert desk("POST", PREDICT, BODY, token).status == 404


def test_keys_elsewhere_than_in_the_two_fields_are_nothing(desk: Desk) -> None:
    token = desk.add("one")
    for path in (f"{PREDICT}?key={token}", f"{PREDICT}?authorization=Bearer%20{token}", f"{PREDICT}?x-api-key={token}"):
        assert desk("POST", path, BODY).status == 401
    for fields in ({"cookie": f"x-api-key={token}"}, {"authorization": f"Basic {token}"}, {"authorization": token},
                   {"proxy_authorization": f"Bearer {token}"}, {"x_api_keys": token}):  # fmt: skip
        assert desk("POST", PREDICT, BODY, **fields).status == 401


def test_two_keys_at_once_are_refused_and_the_same_twice_is_one(desk: Desk) -> None:
    one, two = desk.add("one"), desk.add("two")
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(BODY)}\r\n"

    def asked(*fields: str) -> int:
        return desk.raw((head + "".join(f"{field}\r\n" for field in fields) + "\r\n").encode() + BODY)[0].status

    assert asked(f"authorization: Bearer {one}", f"x-api-key: {one}") == 200
    assert asked(f"AUTHORIZATION: bearer   {one}  ") == 200 and asked(f"X-Api-Key:{one}") == 200
    assert asked(f"authorization: Bearer {one}", f"authorization: Bearer {two}") == 401
    assert asked(f"authorization: Bearer {one}", f"x-api-key: {two}") == 401
    assert asked("authorization: Bearer x", f"authorization: Bearer {one}") == 401
    assert asked("authorization: Basic x", f"x-api-key: {one}") == 200
    assert desk.grpc("ServerMetadata", token=one, x_api_key=two) == UNAUTHENTICATED
    assert desk.grpc("ServerMetadata", token=one, x_api_key=one) == 0


def test_very_long_keys_cost_no_hash(desk: Desk) -> None:
    token = desk.add("one")
    assert desk("POST", PREDICT, BODY, token + "A" * 50_000).status == 401
    assert desk("POST", PREDICT, BODY, "aim_" * 15_000).status == 401


@given(shown=st.binary(min_size=1, max_size=60).filter(lambda raw: not set(raw) & {0, 10, 13}))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_are_a_key(shown: bytes, desk: Desk) -> None:
    head = b"POST %b HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\ncontent-length: 2\r\n\r\n{}"
    assert desk.raw(head % (PREDICT.encode(), shown))[0].status in (400, 401)


def test_the_body_of_who_may_not_ask_is_not_held(desk: Desk) -> None:
    head = b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-length: 30000000\r\n\r\n" % PREDICT.encode()
    held = []

    class Crowd(type(desk.front.crowd)):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "held":
                held.append(value)

    desk.front.crowd.__class__ = Crowd
    replies = desk.raw(head, *[b" " * 1_000_000] * 30, b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\n")
    assert [reply.status for reply in replies] == [401, 200] and max(held, default=0) == 0
    chunks = b"POST %b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" % PREDICT.encode()
    endless = desk.raw(chunks, *[b"f4240\r\n" + b" " * 1_000_000 + b"\r\n"] * 40)
    assert [reply.status for reply in endless] == [413] and max(held, default=0) == 0


def test_a_body_that_was_not_kept_is_never_answered_as_if_it_were_empty(desk: Desk) -> None:
    token = desk.add("one")
    desk.revoke(token)
    asked = f"POST {PREDICT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: 4\r\n\r\n".encode()
    connection = desk.front.connection()
    from tests.serve.access.conftest import OpenWire

    wire = OpenWire()
    connection.connection_made(wire)  # type: ignore[arg-type]
    connection.data_received(asked + b"{}")
    desk.edit(lambda keys: [])  # whatever changes now
    desk.add("one more")
    connection.data_received(b"{}")
    assert wire.sent.startswith(b"HTTP/1.1 401")


def test_a_refusal_keeps_nothing_of_who_was_refused(desk: Desk) -> None:
    desk("POST", PREDICT, BODY, "x")
    desk.add("reader", "read")
    desk("POST", PREDICT, BODY, desk.tokens["reader"])
    for head in desk.front.heads.known.values():
        refused = head.decision and head.decision.refused
        assert not refused or refused.__traceback__ is None


# -- rates, quotas, faults ------------------------------------------------------------------------------------


def test_requests_beyond_the_rate_are_told_when_to_come_again(desk: Desk) -> None:
    token = desk.add("slow", requests=2.0, burst=1.0)
    told = [desk("GET", "/v2", token=token) for _ in range(4)]
    assert [reply.status for reply in told] == [200, 200, 429, 429]
    assert told[2].headers["retry-after"] == "1" and "2 requests a second" in told[2].json["error"]
    assert desk.grpc("ServerMetadata", token=token) == EXHAUSTED
    assert desk("GET", "/v2", token=desk.add("quick")).status == 200


def test_rows_beyond_the_rate_are_told_when_to_come_again(desk: Desk) -> None:
    rows = len(SAMPLE)
    token = desk.add("slow", rows=rows + 0.5, burst=1.0)
    assert [desk("POST", PREDICT, BODY, token).status for _ in range(3)] == [200, 429, 429]
    large = json.dumps({"records": SAMPLE * 5}).encode()
    reply = desk("POST", PREDICT, large, token)
    assert reply.status == 413 and "at most" in reply.json["expected"]


@pytest.mark.parametrize("amount", ["quota", "rows"])
def test_the_same_path_with_a_slash_at_its_end_takes_of_the_same_amount(amount: str, desk: Desk) -> None:
    def answers() -> int:
        return sum(one.statuses.total() for one in (desk.front.crowd.counts, *(m.counts for m in desk.app.life.models)))

    token, before = desk.add("few", **{amount: len(SAMPLE)}), answers()
    assert [desk("POST", path, BODY, token).status for path in (PREDICT + "/", PREDICT, PREDICT + "/")] == [
        200,
        429,
        429,
    ]
    assert answers() - before == 3  # each is counted once


def test_rows_that_are_explained_are_counted_too(desk: Desk) -> None:
    token = desk.add("few", quota=len(SAMPLE))
    body = json.dumps({"records": SAMPLE, "explain": "not an object"}).encode()
    assert desk("POST", "/v1/explain/flights", body, token).status == 400  # they were asked for
    assert desk("POST", "/v1/explain/flights", body, token).status == 429
    assert desk("POST", PREDICT, BODY, token).status == 429


def test_a_quota_that_is_used_up_ends_the_day_and_a_restart_changes_nothing(desk: Desk, models: Any) -> None:
    rows = len(SAMPLE)
    token = desk.add("few", quota=2 * rows)
    told = [desk("POST", PREDICT, BODY, token) for _ in range(3)]
    assert [reply.status for reply in told] == [200, 200, 429]
    assert 1 <= int(told[2].headers["retry-after"]) <= 86400
    desk.access.close()
    again = Desk(models, desk.path)
    assert again("POST", PREDICT, BODY, token).status == 429
    assert again("POST", PREDICT, BODY, again.add("many", quota=1000)).status == 200


def test_what_cannot_be_read_or_is_refused_takes_nothing_of_a_quota(desk: Desk) -> None:
    token = desk.add("few", quota=len(SAMPLE))
    assert [desk("POST", PREDICT, body, token).status for body in (b"{", b"[]", BODY)] == [400, 400, 200]


def test_who_refuses_is_counted_by_reason(desk: Desk) -> None:
    token = desk.add("slow", requests=1.0)
    for shown in ("", "x", token, token):
        desk("GET", "/v2", token=shown)
    refused = desk.front.crowd.counts.refusals
    assert refused["key"] == 2 and refused["quota"] == 1


def test_a_damaged_file_keeps_the_old_keys_and_health_says_so(desk: Desk) -> None:
    token = desk.add("one")
    whole = desk.path.read_text()
    desk.path.write_text(whole + "{")
    desk.look()
    assert desk("POST", PREDICT, BODY, token).status == 200
    assert "line 2" in desk.access.health()["keys"]
    for remove in (lambda: desk.path.write_text(""), desk.path.unlink):  # an editor empties a file before it writes it
        remove()
        desk.look()
        assert desk("POST", PREDICT, BODY, token).status == 200 and desk.access.health()["keys"]
    desk.path.write_text(whole)
    desk.look()
    assert desk("POST", PREDICT, BODY, token).status == 200 and not desk.access.health()
