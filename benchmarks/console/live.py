"""Goals 4, 5 and 12: how late a value is on the screen, what a break of the line does, and ten tabs at once."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

from lines import Lines
from place import Place
from tests.console.browser.proxy import proxied
from trainer import training

AWAY = 5.0  # seconds
TABS = 10
SEEN = "() => window.drawn"
# A minute without a point drawn more is too long.
REACHED = """(wanted) => new Promise((done, refuse) => {
  let seen = 0, until = Date.now() + 60000;
  const late = setInterval(() => {
    if (window.drawn.length > seen) { seen = window.drawn.length; until = Date.now() + 60000; }
    if (Date.now() > until) refuse(new Error(`${wanted} points are not drawn: ${document.body.innerText.slice(0, 500)}`));
  }, 1000);
  const look = () => { const one = window.drawn.find(([n]) => n >= wanted); if (!one) return requestAnimationFrame(look); clearInterval(late); done(one[1]); };
  look();
})"""  # noqa: E501
# Said over a socket of the page's own: a topic that does not exist is refused without a look at the catalog.
ECHO = """(times) => new Promise((done) => {
  const socket = new WebSocket(`${document.baseURI.replace(/^http/, 'ws').replace(/[?#].*/, '')}api/v1/live`);
  const took = []; let begun = 0;
  const ask = () => { begun = performance.now(); socket.send('{"subscribe":"nothing"}'); };
  socket.onopen = ask;
  socket.onmessage = () => {
    took.push(performance.now() - begun);
    if (took.length < times) return ask();
    socket.close(); done(took);
  };
})"""


def late(place: Place, lines: Lines) -> None:
    """4: each value is the time when it was logged; the page says when its chart had it on the screen."""
    space, points = place.site.workspace, place.size.points
    with training(space, 10 * points, 0.15) as run, place.page(f"/runs/{run}") as page:
        page.evaluate(REACHED, 10)
        begun = len(page.evaluate(SEEN))
        page.evaluate(REACHED, 10 + points)
        seen = page.evaluate(SEEN)[begun:]
        echoes = page.evaluate(ECHO, points)
    logged = [row["value"] for row in space.metrics(str(run), "loss")]
    took, drawn = list[float](), seen[0][0]
    for count, moment in seen[1:]:
        took += [moment - 1000 * logged[at] for at in range(drawn, count)]
        drawn = count
    lines.many("4 logged in the trainer to drawn, ms", took, 150, "median")
    lines.many("4 logged in the trainer to drawn, ms", took, 400)
    lines.many("4 transport alone, there and back, ms", echoes, 50)


def recovered(place: Place, lines: Lines) -> None:
    """5: the line is cut for five seconds, again and again, while a run goes on; all it reported is drawn, once."""
    space, took = place.site.workspace, list[float]()
    with proxied(place.site.port) as proxy, place.profile(proxy.url) as context:
        with training(space, 1_000_000, 0.1) as run:
            page = context.new_page()
            page.goto(f"{proxy.url}#/runs/{run}")
            page.evaluate(REACHED, 10)
            for _ in range(place.size.breaks):
                proxy.cut()
                page.get_by_role("button", name="Live figures: trying again").wait_for()
                page.wait_for_timeout(1000 * AWAY)
                mended, reported = time.time(), len(space.metrics(str(run), "loss"))
                proxy.mend()
                took.append(page.evaluate(REACHED, reported) - 1000 * mended)
        logged = [(row["at"], row["value"]) for row in space.metrics(str(run), "loss")]
        page.evaluate(REACHED, len(logged))
        drawn = saved(page)
        page.goto("about:blank")
    lines.many(f"5 after {AWAY:g} s without a line, all is drawn again, ms", took, 2000)
    lines.at_most("5 points lost", len(set(logged) - set(drawn)), 0)
    lines.at_most("5 points doubled or made up", len(drawn) - len(set(logged) & set(drawn)), 0)


def saved(page: Any) -> list[tuple[float, float]]:
    """What the chart has, as it saves it."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save loss as CSV").click()
    rows = csv.reader(Path(download.value.path()).read_text(encoding="utf-8").splitlines())
    return [(float(at), float(last)) for line, at, _, _, last in list(rows)[1:] if line == "loss"]


def ten(place: Place, lines: Lines) -> None:
    """12: so many tabs of one browser look at a run; each of them gets its points, and answers to what it asks."""
    with training(place.site.workspace, 1_000_000, 0.25) as run, place.profile() as context:
        tabs = [context.new_page() for _ in range(TABS)]
        for tab in tabs:
            tab.goto(f"{place.site.url}#/runs/{run}")
        reported = len(place.site.workspace.metrics(str(run), "loss"))
        lived = [tab for tab in tabs if tab.evaluate(REACHED, reported + 5)
                 and tab.evaluate("() => fetch('api/v1/me').then((answer) => answer.ok)")]  # fmt: skip
        lines.at_least(f"12 of {TABS} tabs of one browser are live", len(lived), TABS)
