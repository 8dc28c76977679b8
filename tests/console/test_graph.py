"""Netron as it is served: from this machine alone, on any day, and with nothing that lets it speak to others."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from aimass.console.graph import netron
from aimass.core.errors import InputError


def test_its_page_is_of_today_and_sends_no_reports() -> None:
    page = netron.file_of("index.html")
    assert page is not None
    text = page[0].decode()
    assert '<meta name="version" content="0.0.0">' in text
    assert len(re.findall(r'<meta name="date" content="\d{4}-\d\d-\d\d 00:00:00">', text)) == 1
    assert netron.changed(text, "2031-01-01").count('content="2031-01-01 00:00:00"') == 1


def test_a_page_that_we_do_not_know_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="this Netron's page has no date"):
        netron.changed("<html></html>", "2027-01-01")


def test_its_files_are_for_those_who_may_see_models(admin: TestClient, app: FastAPI) -> None:
    done = admin.get("/graph/index.html")
    assert (done.status_code, done.headers["content-encoding"]) == (200, "gzip")
    policy = done.headers["content-security-policy"]
    assert "connect-src 'self'" in policy and "script-src 'self';" in policy and "frame-ancestors 'self'" in policy
    assert done.headers["set-cookie"] == "consent=1; Path=/graph; SameSite=Strict"
    script = admin.get("/graph/view.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8" and "set-cookie" not in script.headers
    again = admin.get("/graph/view.js", headers={"if-none-match": script.headers["etag"]})
    assert again.status_code == 304
    assert TestClient(app).get("/graph/index.html").status_code == 401


@pytest.mark.parametrize(
    "name", ["server.py", "__init__.py", "nothing.js", "..%2fserver.py", "%2e%2e%2f__init__.py", ""]
)
def test_only_its_pages_are_served(admin: TestClient, name: str) -> None:
    assert admin.get(f"/graph/{name}").status_code == 404
