"""Sources and datasets in the browser: from a source to what is wrong with its rows, and out as a file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tests.console.browser.looked import clear_to_all
from tests.console.browser.watched import Opening, Site


def test_from_a_source_to_the_rows_that_broke_its_contract(opened: Opening, site: Site) -> None:
    watched = opened()
    watched.open()
    watched.heading("Home")
    watched.click("link", "Sources")
    watched.click("link", "flights/flights", exact=True)
    watched.heading("flights/flights")
    watched.click("link", "version 1", exact=True)
    watched.heading("flights/flights version 1")
    watched.click("link", "dataset flights/clean")
    watched.heading("flights/clean")
    watched.click("tab", "Quality")
    watched.click("button", "distance: not a whole number")
    watched.page.get_by_role("cell", name="<img src=x onerror=alert(1)>").wait_for()
    assert "reason=distance" in watched.page.url, "what one sees is in the address"
    assert watched.clicks <= 6


def test_a_dataset_is_taken_out_with_its_checksum(opened: Opening, site: Site, tmp_path: Path) -> None:
    watched = opened()
    watched.open("/datasets")
    watched.page.get_by_role("link", name="flights/clean").first.wait_for()
    watched.clicks += 1
    watched.page.get_by_role("link", name="flights/clean").first.click()
    watched.click("button", "Export")
    watched.page.get_by_role("button", name="Write CSV").wait_for()
    clear_to_all(watched, "export", kept=False, within="dialog")
    watched.click("button", "Write CSV")
    watched.page.get_by_role("link", name="Download CSV").wait_for()
    told = watched.page.get_by_role("button", name="…").first.get_attribute("title")
    with watched.page.expect_download() as going:
        watched.click("link", "Download CSV")
    going.value.save_as(tmp_path / "out.csv")
    assert sha256((tmp_path / "out.csv").read_bytes()).hexdigest() == told
    assert watched.clicks == 4
