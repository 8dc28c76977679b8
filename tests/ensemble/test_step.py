"""The step: what is chosen on validation rows, what it leaves in the folder, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimass.core.artifact import Model, seal
from aimass.core.errors import InputError
from aimass.ensemble.base import Members
from aimass.ensemble.cascade import threshold_for
from aimass.ensemble.greedy import select
from aimass.ensemble.scored import Scored
from aimass.ensemble.weighted import least_squares, mixture
from aimass.measure.step import measure
from aimass.prepare.background import load_background
from aimass.publish.step import SERVED
from tests.ensemble.conftest import Made
from tests.ensemble.made import asked, rows_of, together
from tests.measure.conftest import FakeContext

# -- what is chosen -----------------------------------------------------------------------------------------------


def by_hand(truth: np.ndarray, answers: dict[str, np.ndarray], made: Made, task: str = "regression") -> Members:
    """Members that answered so to the validation rows."""
    examples, _ = made(task)
    members = Members({}, examples, examples.signature)
    members.__dict__["answered"] = truth, answers
    return members


def test_greedy_takes_what_surely_helps_and_nothing_else(made: Made) -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=2000)
    noise = random.normal(size=(3, 2000))
    answers = {"a": truth + 0.9 * noise[0], "b": truth + noise[1], "echo": truth + 0.9 * noise[0] + 1e-3 * noise[2]}
    chosen, gains = select(Scored.of(by_hand(truth, answers, made), None), answers, 20)
    assert chosen[0] == "a" and "b" in chosen and len(gains) == len(chosen) - 1
    assert all(gain["low"] > 0 for gain in gains)
    del answers["b"]
    assert select(Scored.of(by_hand(truth, answers, made), None), answers, 20) == (["a"], [])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_greedy_is_never_worse_than_the_best_member_on_validation_rows(task: str, made: Made, tmp_path: Path) -> None:
    examples, models = made(task)
    whole = together(tmp_path, examples, models, "greedy")
    scored = Scored.of(Members({**models, "whole": whole}, examples, examples.signature), None)
    gains = {name: scored.gain(answer) for name, answer in scored.members.answered[1].items()}
    assert gains["whole"] >= max(gains[name] for name in models) - 1e-6


def test_weights_are_those_of_the_least_loss_among_all_mixtures() -> None:
    random = np.random.default_rng(0)
    chance, errors = random.beta(4, 2, size=(500, 3)), random.normal(size=(500, 3)) @ np.diag([1.0, 1.5, 3.0])
    grid = np.array([(a, b, 1 - a - b) for a in np.linspace(0, 1, 41) for b in np.linspace(0, 1 - a, 41)])
    for weights, loss in (
        (mixture(chance), lambda w: -np.log(chance @ w).mean()),
        (least_squares(errors), lambda w: np.square(errors @ w).mean()),
    ):
        assert weights.min() >= 0 and weights.sum() == pytest.approx(1)
        assert loss(weights) <= min(loss(w) for w in grid) + 1e-9


def test_a_cascade_keeps_its_loss_on_validation_rows_or_is_refused(made: Made, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 4000)
    sure = random.random(4000) < 0.5  # the first knows half of the rows, and knows which
    right = np.eye(2)[truth]
    first = np.where(sure[:, None], 0.1 + 0.8 * right, np.array([0.55, 0.45]))
    last = 0.05 + 0.9 * right
    scored = Scored.of(by_hand(truth, {"first": first, "last": last}, made, "binary"), None)
    found = threshold_for(first, last, scored, 0.01)
    assert found is not None and found["threshold"] == pytest.approx(0.9)
    assert found["first_answers"] == pytest.approx(sure.mean())
    assert threshold_for(1 - right, last, scored, 0.01) is None


# -- what is left in the folder -----------------------------------------------------------------------------------


def test_an_ensemble_is_measured_and_served_like_any_model(made: Made, tmp_path: Path) -> None:
    examples, models = made("binary")
    how = {"use": "cascade", "first": "few", "last": "mlp", "threshold": 0.6}
    whole = together(tmp_path, examples, {n: models[n] for n in ("few", "mlp")}, how)
    context = FakeContext(tmp_path / "report")
    measure.body(context, whole, examples, clients=1, samples=20, starts=1, processes=1, calls=10)
    report = json.loads((context.folder / "report.json").read_text())
    assert report["candidate"]["architecture"] == {"use": "cascade of few, mlp"}
    assert report["quality"]["roc_auc"]["value"] > 0.6
    assert report["endpoint"]["p99_ms"]["value"] > 0
    assert all((whole.folder / name).exists() for name in SERVED)


def test_what_an_ensemble_is_made_of_goes_with_it(made: Made, tmp_path: Path) -> None:
    examples, models = made("binary")
    pair = {n: models[n] for n in ("few", "trees")}
    whole = together(tmp_path, examples, pair, "mean")
    assert whole.manifest.parents == tuple(sorted(m.digest for m in pair.values()))
    facts = whole.read_json("model.json")["ensemble"]
    assert {n: m["digest"] for n, m in facts["members"].items()} == {n: m.digest for n, m in pair.items()}
    assert facts["found"] == {"weights": {"few": 0.5, "trees": 0.5}}
    assert [field.name for field in whole.signature.rows] == ["size", "colour", "day"]  # nobody takes the note
    assert set(whole.read_json("sample.json")[0]) == {"size", "colour", "day"}
    background = load_background(whole.folder, whole.signature.rows)
    theirs = load_background(examples.folder, examples.signature.rows)
    assert background and theirs and all((background[n] == theirs[n]).all() for n in background)
    assert asked(whole, rows_of(examples))["label"].shape == (100,)


def test_the_same_ensemble_twice_is_the_same_file(made: Made, tmp_path: Path) -> None:
    examples, models = made("binary")
    first, second = (together(tmp_path / n, examples, dict(m), "greedy")
                     for n, m in (("a", models.items()), ("b", reversed(models.items()))))  # fmt: skip
    assert first.digest == second.digest


# -- what is refused ----------------------------------------------------------------------------------------------


def altered(folder: Path, model: Model, **changes: Any) -> Model:
    """MODEL with another signature."""
    folder.mkdir()
    for path in model.folder.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    signature = replace(model.signature, **changes)
    (folder / "signature.json").write_text(json.dumps(signature.as_json()))
    return Model(folder, seal("model", folder, []))


def test_members_that_differ_are_refused_by_name(made: Made, tmp_path: Path) -> None:
    examples, models = made("binary")
    mine = models["trees"].signature
    label = replace(mine.outputs[0], values=("yes", "no"))
    strange = replace(mine.rows[0], dtype="string")
    more = replace(mine.rows[0], name="weight")
    for number, (changes, says) in enumerate((
        ({"task": "multiclass"}, "the member b is a multiclass model"),
        ({"outputs": (label, mine.outputs[1])}, "the member b is a model of yes, no"),
        ({"outputs": (mine.outputs[0],)}, "gives no probabilities"),
        ({"rows": (strange, *mine.rows[1:])}, "whose 'size' is string"),
        ({"rows": (*mine.rows, more)}, "takes 'weight'"),
    )):  # fmt: skip
        other = altered(tmp_path / f"b{number}", models["trees"], **changes)
        with pytest.raises(InputError, match=says):
            together(tmp_path / f"o{number}", examples, {"a": models["mlp"], "b": other}, "mean")


def test_one_model_is_no_ensemble_under_any_name(made: Made, tmp_path: Path) -> None:
    examples, models = made("binary")
    for number, members in enumerate(({}, {"a": models["mlp"]}, {"a": models["mlp"], "b": models["mlp"]})):
        with pytest.raises(InputError, match="an ensemble of one model"):
            together(tmp_path / str(number), examples, members, "mean")
    with pytest.raises(InputError, match="cannot be the name of a member"):
        together(tmp_path / "colon", examples, {"os:path": models["mlp"], "b": models["trees"]}, "mean")


CASCADE, ROUTE = {"use": "cascade", "first": "mlp", "last": "trees"}, {"use": "route", "column": "colour"}


@pytest.mark.parametrize(("task", "how", "says"), [
    ("regression", "vote", "vote cannot fuse the answers of a regression task"),
    ("regression", "max", "max cannot fuse"),
    ("regression", CASCADE, "cascade cannot fuse"),
    ("regression", {"use": "greedy", "metric": "accuracy"}, "accuracy cannot score a regression task"),
    ("binary", "cascade", "no member is called ''"),
    ("binary", {**CASCADE, "last": "mlp"}, "a cascade has two members"),
    ("binary", {**ROUTE, "column": "size"}, "no column of texts is called 'size'"),
    ("binary", {**ROUTE, "values": {"red": "mpl"}, "otherwise": "trees"}, "did you mean 'mlp'"),
    ("binary", {**ROUTE, "values": {"red": "mlp"}, "otherwise": "mlp"}, "no row is ever sent to trees"),
])  # fmt: skip
def test_what_does_not_suit_the_members_is_refused(
    task: str, how: Any, says: str, made: Made, tmp_path: Path
) -> None:  # fmt: skip
    examples, models = made(task)
    with pytest.raises(InputError, match=says):
        together(tmp_path, examples, {n: models[n] for n in ("mlp", "trees")}, how)


def test_an_ensemble_has_no_network_of_its_own_to_compress(made: Made, tmp_path: Path) -> None:
    from tests.ensemble.made import compressed

    examples, models = made("binary")
    whole = together(tmp_path, examples, {n: models[n] for n in ("mlp", "trees")}, "mean")
    with pytest.raises(InputError, match="no network of its own"):
        compressed(tmp_path / "small", whole, examples)
