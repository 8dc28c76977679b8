"""What a page looks like to machines that stand in for people: axe's rules, and the contrast of what is drawn."""

from __future__ import annotations

import io
import os
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TEXT, MARK = 4.5, 3.0  # contrast to 1, of text and of lines (WCAG 2.2: 1.4.3 and 1.4.11)
PICTURES = os.environ.get("AIMASS_PICTURES", "")  # a folder: pictures of all pages go there
LARGEST = 150_000  # bytes of a picture


def findings(page: Any) -> list[str]:
    """What axe finds wrong on PAGE: the rule, and where."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    assert found["passes"], "axe looked at nothing"
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
    shot = page.screenshot(animations="disabled")
    assert pixels(shot).std() > 1, f"{name} is blank"
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        place = Path(PICTURES) / f"{name}.png"
        Image.open(io.BytesIO(shot)).convert("RGB").quantize(128).save(place, optimize=True)
        assert place.stat().st_size < LARGEST, place
