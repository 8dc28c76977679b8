"""What stands in front of all routes: prefixes, other origins, large bodies, headers."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from aimass.console.app import LARGEST
from aimass.console.door import ours
from aimass.console.heard import on_this_machine, warning
from tests.console.conftest import PASSWORD

SIGN_IN = {"name": "ada", "password": PASSWORD}


@pytest.mark.parametrize("stripped", [True, False])
@pytest.mark.parametrize("told", ["header", "server"])
def test_it_lives_under_any_path_whether_or_not_a_proxy_takes_it_off(
    app: FastAPI, admin: TestClient, stripped: bool, told: str
) -> None:
    root = "/teams/ml"
    headers = {"x-forwarded-prefix": root} if told == "header" else {}
    client = TestClient(app, root_path=root if told == "server" else "", headers=headers)
    at = "" if stripped else root
    page = client.get(f"{at}/")
    assert page.status_code == 200 and "assets/main-5XQJZ2LB.js" in page.text
    assert client.get(f"{at}/assets/main-5XQJZ2LB.js").status_code == 200
    done = client.post(f"{at}/api/v1/session", json=SIGN_IN)
    assert "Path=/teams/ml/;" in done.headers["set-cookie"]


def test_the_place_itself_is_told_with_a_slash_so_that_relative_addresses_lead_somewhere(app: FastAPI) -> None:
    client = TestClient(app, headers={"x-forwarded-prefix": "/teams/ml"}, follow_redirects=False)
    done = client.get("/teams/ml")
    assert (done.status_code, done.headers["location"]) == (308, "ml/")


@pytest.mark.parametrize("prefix", ["//evil.example", "/x;Path=/", "https://evil.example", "/a/../b?", "/ü", "/a b"])
def test_a_prefix_that_is_none_is_not_heard(app: FastAPI, admin: TestClient, prefix: str) -> None:
    client = TestClient(app, headers={"x-forwarded-prefix": prefix.encode()}, follow_redirects=False)
    done = client.post("/api/v1/session", json=SIGN_IN)
    assert "Path=/;" in done.headers["set-cookie"]


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/..", "/%5cevil.example", "/\\evil.example", "/?next=//evil.example",
             "/https://evil.example", "/api/v1/session?next=https://evil.example"],
)  # fmt: skip
def test_no_address_leads_elsewhere(app: FastAPI, path: str) -> None:
    client = TestClient(app, follow_redirects=False)
    for prefix in ("", "/evil.example"):
        done = client.get(f"http://testserver{path}", headers={"x-forwarded-prefix": prefix})
        assert "location" not in done.headers, path


@pytest.mark.parametrize("path", ["/../../catalog.db", "/..%2f..%2fspace%2fcatalog.db", "/%00", "/assets/", "/assets",
                                  "/%ff", "/assets/../index.html%00", "/C:/x", "/" + "a/" * 5000])  # fmt: skip
def test_no_path_reaches_the_disk(app: FastAPI, path: str) -> None:
    done = TestClient(app).get(path)
    expected = (400, "the address holds the letter 0") if "%00" in path else (404, "there is nothing here")
    assert (done.status_code, done.json()["error"]) == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://testserver.evil.example"}, 403),
        ({"origin": "http://[broken"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://testserver"}, 200),
        ({"origin": "https://TESTSERVER"}, 200),
        ({"origin": "https://ml.example", "x-forwarded-host": "ml.example"}, 200),
        ({"origin": "https://ml.example", "sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_a_page_of_another_origin_changes_nothing(
    app: FastAPI, admin: TestClient, headers: dict[str, str], status: int
) -> None:
    assert TestClient(app).post("/api/v1/session", json=SIGN_IN, headers=headers).status_code == status


@given(st.text(max_size=60))
def test_no_origin_makes_it_stumble(origin: str) -> None:
    assert not ours(Headers(raw=[(b"host", b"ml.example"), (b"origin", origin.encode("utf-8"))]))


def test_a_body_that_is_too_large_is_refused_however_it_comes(admin: TestClient) -> None:
    headers = {"content-type": "application/json"}
    told = admin.post("/api/v1/users", content=b" " * (LARGEST + 1), headers=headers)
    untold = admin.post("/api/v1/users", content=(b" " * 65536 for _ in range(20)), headers=headers)
    assert (told.status_code, untold.status_code) == (413, 413)
    assert untold.json()["error"] == told.json()["error"] == "the request is too large"
    assert told.json()["expected"] == f"at most {LARGEST} bytes"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 90_000, b'{"name": NaN}',
                                  b'{"name": {"a": 1}, "password": 1}', b'{"name":"\\ud800","password":"\\u0000"}',
                                  b'{"name":"a","password":"b","admin":true}'])  # fmt: skip
def test_a_body_that_is_none_is_told_so(app: FastAPI, body: bytes) -> None:
    done = TestClient(app).post("/api/v1/session", content=body, headers={"content-type": "application/json"})
    assert done.status_code in (400, 401, 422), done.text
    assert done.json()["error"] and done.json()["request"]


def test_every_answer_keeps_pages_safe_and_has_an_id(app: FastAPI) -> None:
    for path in ("/", "/api/v1/me", "/nothing", "/api/v1/openapi.json"):
        headers = TestClient(app).get(path).headers
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert len(headers["x-request-id"]) == 12
    assert TestClient(app).get("/api/v1/me").headers["cache-control"] == "no-store"


def test_files_with_a_hash_in_their_name_are_kept_and_the_page_is_asked_for(app: FastAPI) -> None:
    client = TestClient(app)
    script, page = client.get("/assets/main-5XQJZ2LB.js"), client.get("/")
    assert "immutable" in script.headers["cache-control"] and page.headers["cache-control"] == "no-cache"
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["content-encoding"] == "gzip" and "ü" in script.text
    again = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get("/assets/main-5XQJZ2LB.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == script.text
    assert client.head("/").headers["content-length"] == page.headers["content-length"]


def test_a_console_that_was_not_built_says_so_and_how(tmp_path, app: FastAPI) -> None:  # type: ignore[no-untyped-def]
    from aimass.console.app import create_app

    done = TestClient(create_app(str(tmp_path / "space"), static=tmp_path / "nothing")).get("/")
    assert done.status_code == 503 and "pip install" in done.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9", "0.0.0.0", "10.0.0.1", "x.de"])
def test_it_knows_whether_others_hear_it(host: str) -> None:
    assert on_this_machine(host) == (host in ("localhost", "::1", "[::1]") or host.startswith("127."))
    assert bool(warning(host, secure=False)) == (not on_this_machine(host)) and not warning(host, secure=True)


@pytest.mark.parametrize("path", ["/api/v1/x%0a2026-01-01T00:00:00.000Z%20forged", "/%1b[2Jx", "/%0d%0ax", "/a" * 9999])
def test_a_path_forges_no_line_of_the_log(admin: TestClient, caplog: pytest.LogCaptureFixture, path: str) -> None:
    with caplog.at_level("INFO", logger="aimass.console"):
        admin.get(path)
    [line] = [text for text in caplog.messages if " in " in text and text.startswith("GET")]
    assert line.isprintable() and len(line) < 1200


def test_each_request_is_logged_without_what_was_asked_for_in_it(
    admin: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="aimass.console"):
        done = admin.get("/api/v1/audit?who=somebody")
    line = next(text for text in caplog.messages if "/api/v1/audit" in text)
    assert line.startswith("GET /api/v1/audit 200 in ") and line.endswith(done.headers["x-request-id"])
    assert "somebody" not in line
