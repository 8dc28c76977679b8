"""A server that is started again serves what it served, also after a roll back, a split and a trial."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.console.beside import asked_at
from aimass.console.up.plans import KEPT, Kept, read, steps, write
from aimass.runner.workspace import Workspace
from aimass.serve.messages import Refused
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.steps import VERBS, step_of
from tests.console.endpoints.beside import beside
from tests.console.endpoints.models import customers, publish

WORDS = st.sampled_from(["1", "2", "3", "4"])
SHARES = st.sampled_from([{"2": 0.5, "1": 0.5}, {"3": 0.2, "1": 0.3, "2": 0.5}])
PARTS = st.sampled_from([0.0, 0.1, 0.5])
SAID = st.fixed_dictionaries({"version": WORDS, "share": PARTS, "label": st.just("next"), "shares": SHARES})


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(sorted(VERBS)), SAID), max_size=8))
def test_whatever_was_done_the_steps_lead_there_again(acts: list[Any]) -> None:
    plan = Plan().serve("1")
    for verb, said in acts:
        try:
            plan = step_of(verb, said)(plan)
        except Refused:
            continue
    if not plan.shares:
        return
    again = Plan()
    for verb, said in steps(plan.as_json()):
        again = step_of(verb, said)(again)
    assert list(again.shares) == list(plan.shares) and again.shares == pytest.approx(plan.shares)
    assert (again.labels, again.shadow) == (plan.labels, plan.shadow)
    if len(plan.shares) == 1 and not plan.proved and plan.before:
        assert (again.before, again.proved) == (plan.before, False)


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "space") as place:
        for number in (1, 2, 3):
            publish(place, customers(tmp_path / str(number), tilt=number * 1.0), "customers")
        yield place


def shares(url: str) -> Any:
    return asked_at(url, "GET", "/v1/deployments/customers").json()["shares"]


def test_a_canary_is_there_again_and_not_the_champion(space: Workspace) -> None:
    with beside(space, {"customers": "1"}) as url:
        assert asked_at(url, "POST", "/v1/deployments/customers/canary", {"version": "2", "share": 0.25}).good
        Kept(space.folder, url).look()
    with beside(space, {}) as url:
        assert Kept(space.folder, url).again("customers")
        assert shares(url) == {"1": 0.75, "2": 0.25}
        assert not Kept(space.folder, url).again("another")


def test_what_cannot_be_served_again_is_said(space: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    with beside(space, {}) as url:
        kept = Kept(space.folder, url)
        kept.plans = {"customers": {**dict.fromkeys(KEPT), "shares": {"9": 1.0}, "labels": {}}}
        assert not kept.again("customers")
    assert "customers is not served as before" in capfd.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "[1]", "null", '{"m": 1}', '{"m": {"shares": {}}}', '{"m": {"shares": 1}}'])
def test_a_file_that_is_not_ours_says_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plans.json"
    file.write_text(text)
    assert read(file) == {}
    write(file, {})
    assert read(file) == {}
