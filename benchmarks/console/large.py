"""Goals 6, 7 and 9: lists, curves and logs that are long."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lines import Lines
from place import Place
from watching import longest, timed

ROWS = "[...document.querySelectorAll('.runs tbody tr[aria-rowindex]')]"
SETTLED = "document.querySelector('.runs [role=status]').textContent"
LISTED = f"{ROWS}.length > 10 && !document.querySelector('.runs tr.coming') && /run/.test({SETTLED})"
SAID = "[...document.querySelectorAll('.log .text')].map((one) => one.textContent)"
ELEMENTS = "() => document.querySelectorAll('*').length"
ALL = "() => !/more above/.test(document.querySelector('.stream [role=status]').textContent)"


def listed(place: Place, lines: Lines) -> None:
    """6: from a click at Home to the rows; from a letter, or a click on a state, to the rows that fit."""
    opened, found, chosen = list[float](), list[float](), list[float]()
    with place.page() as page:
        page.get_by_role("heading", name="Home", level=1).wait_for()
        for turn in range(place.size.times):
            page.locator("nav").get_by_role("link", name="Runs", exact=True).hover()
            opened.append(timed(page, LISTED, page.locator("nav").get_by_role("link", name="Runs", exact=True).click))
            text = f"network 1{turn % 10}"
            fits = f"/match/.test({SETTLED}) && {ROWS}.every((row) => row.textContent.includes('{text}'))"
            found.append(timed(page, f"{ROWS}.length && {fits}", partial(page.get_by_label("Search runs").fill, text)))
            page.get_by_role("button", name="Clear filters").click()
            page.wait_for_function(f"() => {LISTED} && !/match/.test({SETTLED})")
            failed = page.get_by_role("group", name="State").get_by_role("button", name="failed")
            fits = f"/match/.test({SETTLED}) && {ROWS}.every((row) => row.matches('.failed'))"
            chosen.append(timed(page, f"{ROWS}.length && {fits}", failed.click))
            page.get_by_role("button", name="Clear filters").click()
            page.locator("nav").get_by_role("link", name="Home", exact=True).click()
            page.get_by_role("heading", name="Home", level=1).wait_for()
    lines.many(f"6 list of {place.size.runs} runs opened, ms", opened, 600)
    lines.many("6 filtered by a text, from its last letter, ms", found, 100)
    lines.many("6 filtered by a state, ms", chosen, 100)


def compared(place: Place, lines: Lines) -> None:
    """7: ten long curves on one axis, from the click on Compare; then a part of them, drawn with the mouse."""
    total, ids = 10 * place.size.long, ",".join(str(id) for id in range(1, 11))
    drawn, zoomed, finer, tasks = list[float](), list[float](), list[float](), list[float]()
    whole = f"window.drawn.at(-1)?.[0] === {total}"
    for _ in range(place.size.times):
        with place.page(f"/runs?picked={ids}") as page:
            compare = page.get_by_role("link", name="Compare", exact=True).last
            compare.hover()
            page.wait_for_function(f"() => {LISTED}")
            longest(page)
            drawn.append(timed(page, whole, compare.click))
            strokes = page.evaluate("() => window.strokes")
            zoomed.append(timed(page, f"window.strokes > {strokes}", partial(drag, page)))
            page.get_by_role("button", name="show all").click()
            page.wait_for_function(f"() => {whole}")
            finer.append(timed(page, f"!({whole})", partial(drag, page)))
            tasks.append(longest(page))
    lines.many(f"7 compare of ten times {place.size.long} points drawn, ms", drawn, 800)
    lines.many("7 zoom drawn, ms", zoomed, 100)
    lines.many("7 zoom drawn with its own finer points, ms", finer)
    lines.many("7 longest task of the main thread, ms", tasks, 200, "high")


def drag(page: Any) -> None:
    """From 20 to 70 % of the chart."""
    box = page.locator("figure.chart .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 80, steps=4)
    page.mouse.up()


def searched(place: Place, lines: Lines) -> None:
    """9: the log of a worker in a file, that of a run in the catalog; and how much a page draws of what it holds."""
    stream, run = partial(_search, place, "/logs?of=workers", "Search the logs"), "/runs/11?tab=logs"
    lines.many(f"9 search in {place.size.lines} lines of a file, ms", stream(), 300)
    lines.many(f"9 search in {place.size.lines} lines of a run, ms", _search(place, run, "Search the log"), 300)
    with place.page("/logs?of=workers") as page:
        page.get_by_text("lines here").wait_for()
        page.get_by_label("Follow").uncheck()
        few = page.evaluate(ELEMENTS)
        while not page.evaluate(ALL):
            said = page.get_by_text("lines here").inner_text()
            page.evaluate("() => { document.querySelector('.log').scrollTop = 0; }")
            page.wait_for_function(
                "(said) => document.querySelector('.stream [role=status]').textContent !== said", arg=said
            )
        lines.told("9 lines in the page", page.get_by_text("lines here").inner_text())
        lines.at_most("9 elements more for all lines than for the first", page.evaluate(ELEMENTS) - few, 100)


def _search(place: Place, path: str, label: str) -> list[float]:
    took = list[float]()
    with place.page(path) as page:
        search: Callable[[str], None] = page.get_by_label(label).fill
        page.locator(".log .text").first.wait_for()
        for turn in range(place.size.times):
            text = f"step {37 + turn:04}"
            fits = f"{SAID}.length && {SAID}.every((said) => said.includes('{text}'))"
            took.append(timed(page, fits, partial(search, text)))
            search("")
            page.wait_for_function(f"() => !({fits})")
    return took
