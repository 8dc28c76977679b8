"""A stop-watch inside the page: from what a person does to the frame in which its effect is drawn.

Begun by the event itself and ended in the browser, so the way to and from this process is in no figure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# `drawn` is [points that a chart says it has, the time when they were on the screen]: text and lines of a chart are
# made by one rendering, so the first stroke after the text has changed draws what it says.
SCRIPT = """(() => {
  window.drawn = []; window.strokes = 0; window.tasks = [];
  let told = 0, fresh = false;
  const count = () => Number((/([\\d,]+) points?/.exec(document.querySelector('figure.chart .count')?.textContent ?? '') ?? [0, '0'])[1].replaceAll(',', ''));
  new MutationObserver(() => { const now = count(); if (now !== told) { told = now; fresh = true; } })
    .observe(document, { subtree: true, childList: true, characterData: true });
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...path) {
    window.strokes += 1;
    if (fresh) { fresh = false; const n = told; requestAnimationFrame(() => window.drawn.push([n, Date.now()])); }
    return stroke.apply(this, path);
  };
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((task) => task.duration))).observe({ type: 'longtask' });
  window.timed = (ready) => new Promise((done) => {
    let begun = null;
    for (const kind of ['click', 'input', 'mouseup'])
      addEventListener(kind, (event) => { begun ??= event.timeStamp; }, { capture: true, once: true });
    const look = () => requestAnimationFrame(() => begun !== null && ready()
      ? setTimeout(() => done(performance.now() - begun)) : look());
    look();
  });
})()"""  # noqa: E501


def timed(page: Any, ready: str, act: Callable[[], Any]) -> float:
    """Milliseconds from the event that ACT makes in PAGE to the frame in which READY, an expression, is true."""
    page.evaluate(f"() => void (window.timing = window.timed(() => {ready}))")
    act()
    return float(page.evaluate("() => window.timing"))


def longest(page: Any) -> float:
    """Milliseconds of the longest task since the last call; 0 when none was longer than 50."""
    return float(page.evaluate("() => Math.max(0, ...window.tasks.splice(0))"))
