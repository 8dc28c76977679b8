"""A page of sections in one file: no script, nothing from outside; each table has its rows with it as CSV.

Knows nothing of runs or releases.  All text is escaped here, once.
"""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a cell begins with that a spreadsheet would compute
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
:root { color-scheme: light dark; --text: light-dark(#1b2430, #e4e9ef); --muted: light-dark(#566273, #9aa7b5);
  --line: light-dark(#dde3e9, #2b333e); --ground: light-dark(#fff, #161b22); --accent: light-dark(#1a5fb4, #78aeed);
  --good: light-dark(#1a7f37, #57c26e); --bad: light-dark(#b3261e, #ff8f86); --edge: light-dark(#858f9b, #69747f);
  --warning: light-dark(#8a5a00, #e0a93b); --s0: light-dark(#0072b2, #56b4e9); --s1: light-dark(#b35900, #e69f00);
  --s2: light-dark(#007a5a, #2fbf95); --s3: light-dark(#a8487f, #e08dbb); --s4: light-dark(#5b4fc4, #a99bff);
  --s5: light-dark(#7a6a00, #d6c63a) }
body { margin: 0 auto; max-width: 1080px; padding: 24px; background: var(--ground); color: var(--text);
  font: 14px/20px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
h1 { font-size: 22px; line-height: 28px; margin: 0 } h2 { font-size: 16px; margin: 28px 0 6px }
p { margin: 6px 0 } .muted, caption { color: var(--muted) } .small { font-size: 12px } .good { color: var(--good) }
.bad { color: var(--bad) } a { color: var(--accent) }
table { border-collapse: collapse; width: 100% } caption { text-align: right; font-size: 12px }
th, td { text-align: left; padding: 4px 10px; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; font-variant-numeric: tabular-nums } td.number, th.number { text-align: right }
thead th { color: var(--muted); font-size: 12px; white-space: nowrap }
tbody th { font-weight: 400; min-width: 100px } .scroll { overflow-x: auto }
pre { padding: 10px 12px; border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 12px/18px ui-monospace, "DejaVu Sans Mono", monospace }
dl { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 12px 0 }
dt { font-size: 12px; color: var(--muted) } dd { margin: 0 }
svg { display: block; max-width: 100%; height: auto } svg text { font: 11px system-ui, sans-serif; fill: var(--muted) }
@media print { body { max-width: none } }
"""


def page(title: str, lead: str, sections: Iterable[str]) -> str:
    """A whole file."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style></head>\n'
        f'<body><main><h1>{escape(title)}</h1><p class="muted">{escape(lead)}</p>\n'
        f"{''.join(filter(None, sections))}</main></body></html>\n"
    )


def section(title: str, *content: str) -> str:
    """A heading with what belongs under it; nothing where there is nothing."""
    inside = "".join(filter(None, content))
    return f"<section><h2>{escape(title)}</h2>{inside}</section>\n" if inside else ""


def facts(pairs: Iterable[tuple[str, Any]]) -> str:
    """Names with their values, in a line."""
    cells = (f"<div><dt>{escape(name)}</dt><dd>{escape(shown(value))}</dd></div>" for name, value in pairs)
    return f"<dl>{''.join(cells)}</dl>"


def sentence(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if text else ""


def said(lines: Sequence[str]) -> str:
    """LINES of a log."""
    return f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else ""


def table(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """ROWS under COLUMNS, with a link that saves them as NAME.csv; nothing where there are none."""
    if not rows:
        return ""
    numbers = {at for at in range(len(columns)) if all(_number(row[at]) for row in rows)}
    head = "".join(f'<th scope="col"{_class(at in numbers)}>{escape(one)}</th>' for at, one in enumerate(columns))
    body = "".join(f"<tr>{''.join(_cell(at, one, at in numbers) for at, one in enumerate(row))}</tr>\n" for row in rows)
    data = b64encode(as_csv(columns, rows).encode()).decode()
    link = f'<a download="{escape(name)}.csv" href="data:text/csv;charset=utf-8;base64,{data}">Save as CSV</a>'
    return (f'<div class="scroll"><table><caption>{link}</caption><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")  # fmt: skip


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """RFC 4180; what a spreadsheet would take for a formula is kept from being one."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_safe(one) for one in row] for row in (columns, *rows))
    return text.getvalue()


def shown(value: Any) -> str:
    """VALUE as a person reads it: four significant digits."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _cell(at: int, value: Any, number: bool) -> str:
    tag = '<th scope="row">{}</th>' if at == 0 else f"<td{_class(number)}>{{}}</td>"
    return tag.format(escape(shown(value)))


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA else value
