"""GET /v1/docs: what a model takes and gives, with a real record to try, in one page without any other file.

All text that comes from data is escaped; the page's own script only ever sets text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pprint
import re
import shlex
from collections.abc import Sequence
from html import escape
from typing import Any

from aimass.core.signature import Field, Signature
from aimass.serve.predictor import Served

HOST = re.compile(r"[A-Za-z0-9._\[\]:-]{1,255}")
LONG = 2000  # characters of a record that still fit a command line one reads
SHOWN = 80  # characters of a value in a table
PLACEHOLDERS = {"string": "text", "integer": 0, "boolean": False, "date": "2026-01-31T12:00:00", "number": 0.0}
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d5dae1;vertical-align:top;overflow-wrap:anywhere}
pre,textarea{font:14px/1.45 ui-monospace,monospace;background:#f4f6f8;padding:.8rem;border:1px solid #d5dae1;
border-radius:4px;overflow:auto;width:100%;box-sizing:border-box;white-space:pre-wrap}
button{font:inherit;padding:.4rem 1.2rem;margin:.5rem 0}
@media (prefers-color-scheme:dark){body{color:#e6e9ee;background:#14181e}
pre,textarea{background:#1d232b;color:inherit;border-color:#39424e}th,td{border-color:#39424e}}
"""
SCRIPT = """
for (const form of document.querySelectorAll('form')) form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const shown = form.querySelector('output');
  shown.textContent = '...';
  try {
    const answer = await fetch(form.getAttribute('action'), {method: 'POST', body: form.querySelector('textarea').value,
      headers: {'content-type': 'application/json'}});
    const text = await answer.text();
    let pretty = text;
    try { pretty = JSON.stringify(JSON.parse(text), null, 1); } catch (error) { pretty = text; }
    shown.textContent = answer.status + '\\n' + pretty;
  } catch (error) { shown.textContent = String(error); }
});
"""


def _source(text: str) -> str:
    """How a content security policy names TEXT: nothing else may run or style the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_source(STYLE)}; script-src {_source(SCRIPT)}; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
).encode()


def page(models: Sequence[Served], host: str) -> str:
    """The page for MODELS, as HTML; HOST is what the caller called us, used in examples when it is a plain name."""
    base = f"http://{host if HOST.fullmatch(host) else '127.0.0.1'}"
    title = escape(", ".join(model.label for model in models))
    sections = "".join(_section(model, base) for model in models)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{sections}'
        f"<p>Also: <a href='/v2'>Open Inference Protocol V2</a>, <a href='/v1/health'>health</a>, "
        f"<a href='/metrics'>metrics</a>.</p><script>{SCRIPT}</script></body></html>"
    )


def _section(model: Served, base: str) -> str:
    signature, path = model.signature, f"/v1/predict/{model.name}"
    record = model.sample[0] if model.sample else {field.name: placeholder(field) for field in signature.rows}
    body = json.dumps({"records": [record]}, ensure_ascii=False)
    return (
        f"<h1>{escape(model.label)}</h1><p>{_predicts(signature)} from {len(signature.rows)} columns. "
        f"Send every column of a record. "
        f"Send null where a value is missing: words for it (NA, ?, -), known when the data were cleaned, mean nothing "
        f"here.</p>"
        f"<h2>What to send</h2>{_table(('column', 'type', 'unit', 'kind', 'example'), _rows(signature, record))}"
        f"<h2>What comes back</h2>{_table(('output', 'type', 'values'), _answers(signature))}"
        f"<h2>From a shell</h2><pre>{escape(curl(base + path, body))}</pre>"
        f"<h2>From Python</h2><pre>{escape(python(base + path, record))}</pre>"
        f'<h2>Try it</h2><form action="{escape(path)}"><textarea rows="12" spellcheck="false" aria-label="request">'
        f"\n{escape(_pretty(record))}</textarea><button>Send</button><pre><output></output></pre></form>"
    )


def _predicts(signature: Signature) -> str:
    if signature.task == "other":
        return f"Answers {escape(', '.join(field.name for field in signature.outputs))}"
    return f"Predicts <b>{escape(signature.target)}</b> ({escape(signature.task)})"


def placeholder(field: Field) -> Any:
    """A value a caller could send for FIELD where no real one is known."""
    if field.values:
        return field.values[0]
    value = PLACEHOLDERS.get(field.sent, "" if field.dtype == "string" else 0)
    for size in reversed(field.shape):
        value = [value] * max(1, size)
    return value


def _rows(signature: Signature, record: dict[str, Any]) -> list[tuple[str, ...]]:
    examples = {name: _short(json.dumps(value, ensure_ascii=False)) for name, value in record.items()}
    return [(f.name, _type(f), f.unit, f.kind, examples.get(f.name, "")) for f in signature.rows]


def _answers(signature: Signature) -> list[tuple[str, ...]]:
    classes = ", ".join(signature.classes)
    told = {"label": classes, "probabilities": f"one number a class: {classes}"}
    return [(field.name, _type(field), field.unit or _short(told.get(field.name, ""))) for field in signature.outputs]


def _type(field: Field) -> str:
    plain = field.dtype + (f" {list(field.shape)}" if field.shape else "")
    return plain if field.sent in ("", "tensor") else field.sent


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _pretty(record: dict[str, Any]) -> str:
    text = json.dumps({"records": [record]}, ensure_ascii=False)
    return text if len(text) > LONG else json.dumps({"records": [record]}, ensure_ascii=False, indent=1)


def curl(url: str, body: str) -> str:
    """The shell command that sends BODY; a long body comes from a file."""
    data = shlex.quote(body) if len(body) <= LONG else "@request.json  # the text of the field below, saved as a file"
    return f"curl -s {shlex.quote(url)} -H 'content-type: application/json' -d {data}"


def python(url: str, record: dict[str, Any]) -> str:
    """A program of the standard library that sends RECORD."""
    short = len(json.dumps(record)) <= LONG
    body = pprint.pformat({"records": [record]}, sort_dicts=False) if short else 'json.load(open("request.json"))'
    return (
        "import json, urllib.request\n\n"
        f"body = {body}\n"
        f"request = urllib.request.Request({url!r}, json.dumps(body).encode())\n"
        "with urllib.request.urlopen(request) as answer:\n"
        '    print(json.load(answer)["predictions"])'
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    first = "".join(f"<th>{escape(text)}</th>" for text in head)
    others = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><tr>{first}</tr>{others}</table>"
