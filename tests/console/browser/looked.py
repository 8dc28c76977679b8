"""What a page looks like to machines that stand in for people: axe's rules, contrast of what is drawn, width."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.console.browser.watched import THEMES

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TEXT, MARK = 4.5, 3.0  # contrast to 1, of text and of lines (WCAG 2.2: 1.4.3 and 1.4.11)
PICTURES = os.environ.get("AIMASS_PICTURES", "")  # a folder: pictures of all pages go there
LARGEST = 150_000  # bytes of a picture
OF_COLOURS = ["color-contrast", "link-in-text-block"]  # what else axe knows is the same in every theme
AXE = "([include, exclude, how]) => axe.run({include, exclude}, how)"
SHELL = (".rail", ".top")  # the same around every page
CURVES = 'figure.chart:not(:has(.count:text-matches("^1 point(?!s)"))) .plot canvas'
MOST = 4  # drawings of a kind that are looked at on a page
SMALL = {"200 %": {"width": 640, "height": 400}, "360 pixels": {"width": 360, "height": 640}}
OVER = """() => {
  const own = (one) => { // what scrolls by itself, or cuts off, makes nothing else wider
    for (let box = one.parentElement; box.localName !== 'main' && box !== document.body; box = box.parentElement)
      if (getComputedStyle(box).overflowX !== 'visible') return false;
    return one.getBoundingClientRect().right > innerWidth + 1;
  };
  const boxes = [document.documentElement, document.querySelector('main')];
  if (boxes.every((box) => box.scrollWidth <= box.clientWidth)) return [];
  return [...document.body.querySelectorAll('*')].filter(own).map((one) => one.outerHTML.slice(0, 120));
}"""


def findings(page: Any, within: str = "html", without: Sequence[str] = (), colours: bool = False) -> list[str]:
    """What axe finds wrong on PAGE, or on its part WITHIN, WITHOUT some of it: the rule, and where; of COLOURS alone
    where all else was looked at in the other theme."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    only = {"type": "rule", "values": OF_COLOURS} if colours else {"type": "tag", "values": TAGS}
    found = page.evaluate(AXE, [within, list(without), {"runOnly": only, "resultTypes": ["violations"]}])
    assert found["passes"] or colours, "axe looked at nothing"
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


UNSAVED = """() => {
  const drawn = [...document.querySelectorAll('main table, main .table, main .plot, main .scatter, main .bars')];
  const own = (one) => one.closest('.table, figure.chart, .scatter, .bars') ?? one;
  const saves = (one) => [...document.querySelectorAll('button[data-saves]')].find((button) => one.contains(button)
    || button.dataset.saves === (one.getAttribute('aria-label') ?? '') || one.previousElementSibling?.contains(button));
  const covered = (one) => one.closest('td, th') || saves(own(one))
    || (one.tagName === 'TABLE' && !one.closest('.table') && document.querySelector('.top [data-saves=tables]'));
  return drawn.filter((one) => !covered(one)).map((one) => `${one.tagName} ${one.className} ${one.ariaLabel ?? ''}`);
}"""


def unsaved(page: Any) -> list[str]:
    """Tables and charts of PAGE whose data nobody can save.  What is drawn in a cell is in the file of its table."""
    return [str(one) for one in page.evaluate(UNSAVED)]


def clear_to_all(watched: Any, name: str, kept: bool = True, **part: Any) -> None:
    """Nobody is shut out of what is open, or of a PART of it, in either theme; its pictures are KEPT as NAME."""
    for theme in THEMES:
        watched.turn(theme)
        assert findings(watched.page, colours=theme != THEMES[0], **part) == [], f"{name}, {theme}"
        if kept:
            picture(watched.page, f"{name}-{theme}")
        if not watched.page.locator("dialog[open]").count():  # what lies under it is not seen as it is
            legible(watched.page, f"{name}, {theme}")


def legible(page: Any, name: str) -> None:
    """axe does not look at a canvas or a drawing: labels may be faint there, and a line may be lost on its ground."""
    for what, check in {CURVES: clear, ".scatter > svg": marked, "svg.spark": lined, "svg.bars": barred}.items():
        for drawn in page.locator(what).all()[:MOST]:
            if drawn.is_visible():
                check(contrasts(pixels(drawn.screenshot())), name)


def clear(seen: np.ndarray, name: str, letters: int = 12) -> None:
    """The labels of a chart can be read, so many pixels of LETTERS that are dark enough, and its line can be seen."""
    width = seen.shape[1]
    left, below, middle = seen[:, : width // 12], seen[-28:, width // 8 :], seen[8:-43, width // 8 : -12]
    for words in (left, below):
        assert (words >= TEXT).sum() > letters, f"{name}: the labels of an axis cannot be read"
    assert (middle >= MARK).any(axis=0).mean() > 0.5, f"{name}: the line cannot be seen on most of its way"


def marked(seen: np.ndarray, name: str) -> None:
    """The axis of candidates can be read; marks, intervals and budgets can be seen."""
    assert (seen[-40:] >= TEXT).sum() > 60, f"{name}: the labels of the axis cannot be read"
    assert (seen[20:-50, 70:] >= MARK).sum() > 400, f"{name}: marks, intervals and budgets cannot be seen"


def lined(seen: np.ndarray, name: str) -> None:
    """A curve as small as a word goes over most of its width."""
    assert (seen >= MARK).any(axis=0).mean() > 0.5, f"{name}: a small curve cannot be seen"


def barred(seen: np.ndarray, name: str) -> None:
    """Some of the bars are tall enough to be seen."""
    assert (seen[: seen.shape[0] // 2] >= MARK).any(axis=0).mean() > 0.02, f"{name}: no bar can be seen"


def fits(page: Any) -> None:
    """At twice the size, and on a telephone, nothing has to be read by scrolling sideways."""
    whole, over = page.viewport_size, {}
    for what, size in SMALL.items():
        page.set_viewport_size(size)
        over[what] = page.evaluate(OVER)
    page.set_viewport_size(whole)
    assert not any(over.values()), over


def pixels(shot: bytes) -> np.ndarray:
    """A picture as rows, columns, red-green-blue."""
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


def contrasts(image: np.ndarray) -> np.ndarray:
    """Of each pixel against the colour that most of the picture has, as WCAG reckons it.  rows x columns"""
    ground = Counter(map(tuple, image.reshape(-1, 3))).most_common(1)[0][0]
    light = luminance(image)
    under = luminance(np.asarray(ground, dtype=np.uint8)[None, None])[0, 0]
    return (np.maximum(light, under) + 0.05) / (np.minimum(light, under) + 0.05)


def luminance(image: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB."""
    share = image.astype(float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def picture(page: Any, name: str) -> None:
    """Keep a picture of PAGE for the docs, where one is wanted; its colours are few, so few bytes are enough."""
    if not PICTURES:
        return
    page.evaluate("document.querySelector('main').scrollTo(0, 0)")
    shot = page.screenshot(animations="disabled")
    assert pixels(shot).std() > 1, f"{name} is blank"
    Path(PICTURES).mkdir(parents=True, exist_ok=True)
    place = Path(PICTURES) / f"{name}.png"
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(128).save(place, optimize=True)
    assert place.stat().st_size < LARGEST, place
