"""An imported model goes out by its parity report, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aimass.core.errors import InputError
from aimass.publish.parity import Parity

FILES = {"model.onnx": "graph", "signature.json": "{}", "model.json": "{}", "sample.json": "[]"}


def report(rows: int = 256, distance: float = 1e-6, passed: bool = True, rows_from: str = "made up") -> str:
    outputs = {"value": {"distance": distance, "beyond": 0}, "label": {"agreement": 1.0, "beyond": 0}}
    told = {"source": "XGBoost 3", "rows": rows, "rows_from": rows_from, "outputs": outputs, "passed": passed}
    return json.dumps(told)


@pytest.mark.parametrize(
    ("facts", "gate", "says"),
    [
        ({}, {}, ""),
        ({"rows": 29}, {}, "30 rows are asked for"),
        ({"rows": 29}, {"rows": 29}, ""),
        ({"distance": 0.01}, {}, "0.001 is allowed"),
        ({"distance": 0.01}, {"difference": 0.1}, ""),
        ({"passed": False}, {}, "is allowed"),
        ({}, {"given": True}, "the user's own are asked for"),
        ({"rows_from": "given, with answers"}, {"given": True}, ""),
    ],
)
def test_the_verdict_is_about_rows_and_distance(add: Any, facts: Any, gate: Any, says: str) -> None:
    verdict = Parity(**gate).check(add("model", **FILES, **{"parity.json": report(**facts)}), None)
    assert (verdict.passed, says in verdict.reason) == (not says, True)


def test_a_model_that_was_not_imported_is_refused(model: Any) -> None:
    assert Parity().check(model, None).reason == "the model was not imported: it has no parity report"


def test_a_release_without_a_ledger_says_so_and_keeps_the_report(workspace: Any, add: Any) -> None:
    from aimass.publish.step import publish

    imported = add("model", **FILES, **{"parity.json": report()})
    asked = {"name": "churn", "gates": ["parity"]}
    release = workspace.run(publish.task({"model": imported.digest, "ledger": None}, asked))
    assert release.read_json("release.json")["ledger"] is None
    assert sorted(release.manifest.files) == sorted([*FILES, "parity.json", "release.json"])


def test_budgets_ask_for_their_ledger(workspace: Any, model: Any) -> None:
    from aimass.publish.step import publish

    with pytest.raises(InputError, match="no ledger to read") as caught:
        workspace.run(publish.task({"model": model.digest, "ledger": None}, {"name": "churn"}))
    assert "--gates parity" in caught.value.todo
