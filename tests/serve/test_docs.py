"""The page of a model: every field, a real record, examples that run, and nothing unescaped."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from html.parser import HTMLParser

from tests.serve.conftest import SAMPLE, SIGNATURE, WORD

from aimass.core.signature import Field
from aimass.serve.docs import curl, placeholder, python


class Page(HTMLParser):
    """The texts of a page by the element they stand in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]][-1] += data


def test_the_page_holds_every_field_and_a_real_record(call) -> None:
    reply = call("GET", "/v1/docs", host="127.0.0.1:8080")
    assert reply.status == 200 and reply.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(reply.body.decode())
    assert page.open == []
    cells = page.texts["td"]
    for field in SIGNATURE.rows:
        assert field.name in cells and field.sent in cells
    assert {"cm", "no, yes", '"blau ü"', "label", "probabilities"} <= set(cells)
    assert any("Send null where a value is missing" in text and "NA" in text for text in page.texts["p"])
    assert json.loads(page.texts["textarea"][0]) == {"records": [SAMPLE[0]]}
    assert page.texts["h1"] == ["flights@3"]


def test_nothing_is_loaded_from_elsewhere_and_only_our_script_runs(call) -> None:
    reply = call("GET", "/v1/docs", host="127.0.0.1:8080")
    page = Page(reply.body.decode())
    assert all(link.startswith("/") for link in page.links)
    policy = reply.headers["content-security-policy"]
    for tag in ("script", "style"):
        (text,) = page.texts[tag]
        told = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{told}'" in policy


def test_data_in_the_page_is_escaped_also_the_host(call, served) -> None:
    served.sample = [SAMPLE[1]]
    text = call("GET", "/v1/docs", host='x"><script>alert(1)</script>').body.decode()
    assert "alert('x')" not in text.replace("&#x27;", "")
    assert len(re.findall("<script", text)) == 1 and "alert(1)" not in text
    assert json.loads(Page(text).texts["textarea"][0]) == {"records": [SAMPLE[1]]}


def test_the_examples_say_what_the_form_says(call) -> None:
    page = Page(call("GET", "/", host="127.0.0.1:8080").body.decode())
    shell, program = page.texts["pre"][:2]
    words = shlex.split(shell)
    assert words[2] == "http://127.0.0.1:8080/v1/predict/flights"
    assert json.loads(words[-1]) == {"records": [SAMPLE[0]]}
    compile(program, "example", "exec")


def test_a_quote_in_a_record_stays_inside_the_shell_word() -> None:
    body = json.dumps({"a": "it's; rm -rf /"})
    assert shlex.split(curl("http://h", body))[-1] == body


def test_a_long_record_comes_from_a_file() -> None:
    record = {"picture": [0] * 5000}
    assert "@request.json" in curl("http://h", json.dumps(record))
    assert 'open("request.json")' in python("http://h", record)


def test_without_a_sample_each_field_gets_a_value_it_takes() -> None:
    assert placeholder(Field("x", "string", values=("red",))) == "red"
    assert placeholder(Field("x", "float64", sent="number")) == 0.0
    assert placeholder(Field("x", "uint8", (2, 0, 1))) == [[[0]], [[0]]]
    assert placeholder(SIGNATURE.rows[2]).startswith("2026-") and SIGNATURE.rows[1].name == WORD
