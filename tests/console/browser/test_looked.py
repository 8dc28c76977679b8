"""The measures are measured: what is faint is seen to be faint, before a page is believed to be clear."""

from __future__ import annotations

import numpy as np
import pytest

from tests.console.browser.looked import contrasts, findings


@pytest.mark.parametrize(
    ("ink", "ground", "expected"),
    [
        ((0, 0, 0), (255, 255, 255), 21.0), ((118, 118, 118), (255, 255, 255), 4.54),
        ((255, 255, 255), (255, 255, 255), 1.0), ((154, 167, 181), (22, 27, 34), 7.1),
    ],
)  # fmt: skip
def test_contrast_is_as_wcag_reckons_it(ink: tuple[int, ...], ground: tuple[int, ...], expected: float) -> None:
    image = np.empty((10, 10, 3), np.uint8)
    image[:] = ground
    image[:2] = ink
    assert contrasts(image)[0, 0] == pytest.approx(expected, abs=0.05)
    assert contrasts(image)[9, 9] == pytest.approx(1.0)


def test_axe_sees_what_is_wrong(chromium) -> None:  # type: ignore[no-untyped-def]
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.set_content("<html><body><img src='data:,'><p style='color:#ccc;background:#fff'>faint</p></body></html>")
        rules = {one.split(":")[0] for one in findings(page)}
    finally:
        context.close()
    assert {"image-alt", "color-contrast", "html-has-lang", "document-title"} <= rules
