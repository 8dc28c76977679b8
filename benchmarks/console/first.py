"""Goals 1 to 3: what it takes until somebody sees the console and can work with it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from lines import Lines
from place import Place
from tests.console.browser.pages import PAGES
from tests.console.browser.watched import Site

from aimass.console.pages import BUILT

PAINT = """() => new Promise((done) => new PerformanceObserver((list) => list.getEntriesByName('first-contentful-paint')
  .forEach((paint) => done(paint.startTime))).observe({ type: 'paint', buffered: true }))"""
# What the page is about is there, and its first action is answered: the palette is asked for, and drawn.
ANSWERED = """(text) => new Promise((done) => {
  const plain = (said) => said.replace(/\\s+/g, ' ').toLowerCase();
  const shown = () => document.querySelector('main h1') && plain(document.body.textContent).includes(plain(text));
  const look = () => {
    if (document.querySelector('dialog.palette[open]')) return setTimeout(() => done(performance.now()));
    if (shown()) document.querySelector('button.finder').click();
    requestAnimationFrame(look);
  };
  look();
})"""
FETCHED = """() => performance.getEntriesByType('resource').filter((one) => /\\.(js|css)$/.test(one.name))
  .map((one) => [one.name.split('/').at(-1), one.encodedBodySize])"""
Pages = dict[str, tuple[Callable[[Site], str], str]]
OTHERS: Pages = {  # than those of the tests: what `aimass up` keeps, and drafts before anybody has checked them
    "subsystems": (lambda site: "/subsystems", "Inference"),
    "parameters": (lambda site: "/parameters", "server/idle_seconds"),
    "logs": (lambda site: "/logs", "lines here"),
    "new-run": (lambda site: "/new-run", "New run"),
    "clone": (lambda site: PAGES["clone"][0](site), "filled with what"),
    "start": (lambda site: "/start?file=customers.csv", "What it may cost"),
    "endpoints": (lambda site: "/endpoints", "customers"),  # the text in PAGES is of traffic that the tests make
    "endpoint": (lambda site: "/endpoints/customers", "Versions"),
}


def paint(place: Place, lines: Lines) -> None:
    """1: first contentful paint of Home, cold (nothing kept) and warm (once more in the same browser), in turn.

    What the browser itself takes for a page of one word, from no server, is told beside them.
    """
    seen: dict[str, list[float]] = {"cold": [], "warm": [], "one word": []}
    for _ in range(place.size.times):
        with place.profile() as context:
            for how in seen:
                page = context.new_page()
                page.goto("data:text/html,word" if how == "one word" else place.site.url)
                seen[how].append(page.evaluate(PAINT))
                page.close()
    lines.many("1 Home, first contentful paint cold, ms", seen["cold"], 400)
    lines.many("1 Home, first contentful paint warm, ms", seen["warm"], 150)
    lines.many("1 one word, first contentful paint, ms", seen["one word"])


def answered(place: Place, lines: Lines) -> None:
    """2: every page, from its address to what it is about and the answer to the first action."""
    pages = {**PAGES, **OTHERS}
    seen: dict[str, dict[str, list[float]]] = {"cold": {}, "warm": {}}
    for _ in range(place.size.rounds):
        for name, (path, text) in pages.items():
            with place.profile() as context:
                for how in seen:
                    seen[how].setdefault(name, []).append(_one(context, f"{place.site.url}#{path(place.site)}", text))
    for how, bound in (("cold", 1000), ("warm", 400)):
        every = [value for values in seen[how].values() for value in values]
        lines.many(f"2 {len(pages)} pages, first action answered {how}, ms", every, bound)
        late = {name: round(median(values)) for name, values in seen[how].items() if median(values) > bound}
        lines.at_most(f"2 pages whose own median {how} is above {bound} ms", len(late), 0)
        lines.told(f"2 which those are {how}, ms", late)
    draft = f"{place.site.url}#{PAGES['clone'][0](place.site)}"
    with place.profile() as context:
        checked = [_one(context, draft, PAGES["clone"][1]) for _ in range(place.size.times)]
    lines.told("2 a draft checked, the first time (the process that imports steps begins), ms", checked[0])
    lines.many("2 a draft checked, from then on, ms", checked[1:])


def _one(context: Any, address: str, text: str) -> float:
    page = context.new_page()
    page.goto(address, wait_until="commit")
    found: float = page.evaluate(ANSWERED, text)
    page.close()
    return found


def weight(place: Place, lines: Lines) -> None:
    """3: bytes of script and style, as they come over the wire."""
    with place.page() as page:
        page.get_by_role("heading", name="Are things well?").wait_for()
        fetched = dict(page.evaluate(FETCHED))
    lines.at_most("3 script and style of Home on the wire, kB", sum(fetched.values()) / 1000, 80)
    lazy = {path.name: packed(path) for path in (BUILT / "assets").iterdir() if path.suffix == ".js"}
    lines.at_most("3 largest part that a page loads by itself, gzip, kB", max(lazy.values()) / 1000, 120)


def packed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))
