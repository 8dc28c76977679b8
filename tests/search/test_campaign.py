"""The search: what is tried in which order, what failures become, and what the clock forbids."""

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass.compress.base import Pass
from aimass.core.artifact import Artifact, Examples, Model, Report, open_artifact, seal
from aimass.core.errors import InputError, StoreError, TaskFailed
from aimass.core.part import Part, knob
from aimass.core.signature import Field, Signature
from aimass.core.step import Context, load_step, step
from aimass.core.task import Task
from aimass.measure.machine import machine_digest
from aimass.models.base import Architecture
from aimass.search import campaign, defaults, engines
from aimass.search.campaign import recipe_within, search
from aimass.search.goal import Goal

GOAL = Goal.from_settings({"target": "y", "clients": 4})


class Slow(Architecture):
    """An architecture of a user."""

    width: int = knob(8, 1, 100)


class Fast(Architecture):
    """Another."""


class Halve(Pass):
    """A pass of a user; it knows nothing about `Fast`."""

    def applies(self, model: Model) -> str:
        return "already small" if "Fast" in model.read_json("model.json")["architecture"]["use"] else ""


class Timed(Part):
    """A recipe that knows a time limit."""

    family = "recipe"
    minutes: float = knob(10.0, 0.0)


@step
def train(ctx: Context, examples: Examples, *, model: Architecture, recipe: dict[str, Any] | None = None) -> Model: ...  # type: ignore[empty-body]


train.place = "train"  # it stands in for the verb


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts above under import paths, as a user's module; training is not what is tested here."""
    module = types.ModuleType("mine")
    module.Slow, module.Fast, module.Halve = Slow, Fast, Halve  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mine", module)
    monkeypatch.setattr(campaign, "resolve", lambda family, name: Timed)
    monkeypatch.setattr(campaign, "load_step", lambda verb: train if verb == "train" else load_step(verb))


class FakePlace:
    """A workspace that makes what each verb would make, remembers it, and fails where told to."""

    def __init__(self, folder: Path, report_of: Callable[..., dict]) -> None:
        self.folder, self.report_of = folder, report_of
        self.memory: dict[str, Artifact] = {}
        self.by_digest: dict[str, Artifact] = {}
        self.tasks: list[Task] = []
        self.on: list[str | None] = []
        self.fails: dict[str, Exception] = {}  # "verb name" -> error
        self.p99 = {"mine:Slow": 3.0, "mine:Fast": 1.0}
        self.call_ms = 0.1
        self.after: Callable[[Task], None] = lambda task: None

    def get(self, ref: str, kind: str | None = None) -> Artifact:
        return self.by_digest[ref]

    def run(self, task: Task, *, needs: Any = None, on: str | None = None, save_as: str | None = None) -> Artifact:
        self.tasks.append(task)
        self.on.append(on)
        if f"{task.step} {task.label}" in self.fails:
            raise self.fails[f"{task.step} {task.label}"]
        if task.digest not in self.memory:
            folder = self.folder / task.digest
            folder.mkdir()
            kind = getattr(self, task.step)(task, folder)
            seal(kind, folder, task.parents)
            self.memory[task.digest] = open_artifact(folder)
            self.by_digest[self.memory[task.digest].digest] = self.memory[task.digest]
        self.after(task)
        return self.memory[task.digest]

    def train(self, task: Task, folder: Path) -> str:
        facts = {"architecture": task.settings["model"], "passes": []}
        (folder / "model.json").write_text(json.dumps(facts))
        return "model"

    def compress(self, task: Task, folder: Path) -> str:
        facts = self.by_digest[task.inputs["model"]].read_json("model.json")
        (folder / "model.json").write_text(json.dumps({**facts, "passes": task.settings["passes"]}))
        return "model"

    def measure(self, task: Task, folder: Path) -> str:
        model = self.by_digest[task.inputs["model"]]
        facts = model.read_json("model.json")
        use = facts["architecture"]["use"]
        base, engine = None, task.settings["engine"]
        if task.inputs["baseline"]:
            base = {**self.report_of(use), "model": task.inputs["baseline"]}
        p99 = self.p99[use] / (2 if base else 1)
        report = self.report_of(use, base=base, p99=p99, engine=engine, call_ms=self.call_ms)
        named = {k: facts[k] for k in ("architecture", "passes")}
        report |= {"model": model.digest, "candidate": {**named, "engine": engine}}
        (folder / "report.json").write_text(json.dumps(report))
        return "report"

    def choose(self, task: Task, folder: Path) -> str:
        chosen = load_step("choose")
        context = types.SimpleNamespace(folder=folder, log=lambda line: None, tell=lambda **facts: None)
        chosen.body(context, [self.by_digest[d] for d in task.inputs["reports"]], **chosen.arguments(task))
        return "report"


@pytest.fixture
def place(tmp_path: Path, report_of) -> FakePlace:
    return FakePlace(tmp_path, report_of)


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    folder = tmp_path / "examples"
    folder.mkdir()
    signature = Signature("binary", "y", (), (Field("x.numbers", "float32", (3,)),), ())
    (folder / "signature.json").write_text(json.dumps(signature.as_json()))
    seal("examples", folder, [])
    return open_artifact(folder)  # type: ignore[return-value]


def run(place: FakePlace, examples: Examples, **given: Any) -> dict:
    settings = {"goal": GOAL, "architectures": ["mine:Slow", "mine:Fast"], "passes": [["mine:Halve"]], "minutes": 10.0}
    return search(place, examples, **{**settings, **given}).read_json("ledger.json")


def outcome(ledger: dict) -> dict[str, tuple[str, str]]:
    return {row["candidate"]: (row["status"], row["reason"]) for row in ledger["candidates"]}


def test_every_architecture_is_trained_and_measured_then_accelerated_and_measured_against_itself(place, examples):
    ledger = run(place, examples)
    assert [f"{t.step} {t.label}" for t in place.tasks] == [
        "train mine:Slow",
        "measure mine:Slow",
        "train mine:Fast",
        "measure mine:Fast",
        "compress mine:Slow + mine:Halve",
        "measure mine:Slow + mine:Halve",
        "choose choose",
    ]
    slow = place.tasks[1].inputs["model"]
    assert place.tasks[1].inputs["baseline"] is None and place.tasks[5].inputs["baseline"] == slow
    assert ledger["pick"]["candidate"] == "mine:Fast"
    assert outcome(ledger)["mine:Fast + mine:Halve"] == ("not applicable", "already small")


def test_each_engine_is_measured_on_each_model_against_the_usual_one(place, examples) -> None:
    ledger = run(place, examples, engines=[{"use": "onnxruntime", "threads": 2}])
    assert [f"{t.step} {t.label}" for t in place.tasks][6:] == [
        "measure mine:Slow on onnxruntime (threads=2)",
        "measure mine:Fast on onnxruntime (threads=2)",
        "measure mine:Slow + mine:Halve on onnxruntime (threads=2)",
        "choose choose",
    ]
    slow, asked = place.tasks[1], place.tasks[6]
    assert asked.inputs["model"] == asked.inputs["baseline"] == slow.inputs["model"]
    assert asked.inputs["answered"] == place.memory[slow.digest].digest
    assert asked.settings["engine"]["threads"] == 2 and slow.settings["engine"] is None
    assert ledger["pick"]["candidate"] == "mine:Fast on onnxruntime (threads=2)"
    assert ledger["pick"]["engine"]["threads"] == 2


def test_engines_that_cannot_pay_are_rows_without_a_measurement(place, examples, monkeypatch) -> None:
    monkeypatch.setattr(engines, "machine", lambda: {"cores": 2})
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    said = outcome(run(place, examples, architectures=["mine:Fast"], passes=[]))
    why = "a call takes 0.1 ms, which is too short to gain by it"
    assert said["mine:Fast on onnxruntime (threads=2)"] == ("not applicable", why)
    place.call_ms = 2.0
    said = outcome(run(place, examples, architectures=["mine:Slow"], passes=[]))
    assert said["mine:Slow on onnxruntime (threads=2)"][0] == "adopted"


def test_an_engine_that_cannot_run_a_model_is_a_row(place, examples) -> None:
    place.fails["measure mine:Fast on xgboost"] = InputError("the engine xgboost cannot run this model")
    ledger = run(place, examples, architectures=["mine:Fast"], passes=[], engines=["xgboost"])
    assert outcome(ledger)["mine:Fast on xgboost"] == ("failed", "the engine xgboost cannot run this model")
    assert ledger["pick"]["candidate"] == "mine:Fast"


def test_a_misspelt_engine_is_told_before_anything_is_trained(place, examples) -> None:
    with pytest.raises(InputError, match="did you mean 'xgboost'"):
        run(place, examples, engines=["xgbost"])
    assert not place.tasks


def test_measurements_are_about_this_machine_and_never_sent_away(place, examples) -> None:
    run(place, examples, on="ray")
    where = {t.step: on for t, on in zip(place.tasks, place.on, strict=True)}
    assert where == {"train": "ray", "compress": "ray", "measure": None, "choose": None}
    assert all(t.settings["machine"] == machine_digest() for t in place.tasks if t.step == "measure")
    assert all(t.settings["clients"] == 4 for t in place.tasks if t.step == "measure")


def test_the_same_search_is_the_same_tasks_whatever_the_clock_says(place, examples) -> None:
    run(place, examples, clock=lambda: 100.0)
    first = [t.digest for t in place.tasks]
    place.tasks.clear()
    run(place, examples, clock=lambda: 220.0, started=100.0)
    assert [t.digest for t in place.tasks] == first


def test_training_may_take_its_share_of_the_minutes_and_no_more(place, examples) -> None:
    run(place, examples, minutes=10.0)
    recipes = [t.settings["recipe"] for t in place.tasks if t.step == "train"]
    assert recipes == [{"use": "gradient", "minutes": 3.0}] * 2


def test_a_recipe_without_a_time_limit_is_left_as_it_is(monkeypatch) -> None:
    monkeypatch.setattr(campaign, "resolve", lambda family, name: Slow)
    assert recipe_within(Slow(), 3.0) is None


def test_one_candidate_that_fails_is_a_row_not_an_end(place, examples) -> None:
    place.fails["train mine:Slow"] = InputError("no image column")
    ledger = run(place, examples)
    assert outcome(ledger)["mine:Slow"] == ("failed", "no image column")
    assert outcome(ledger)["mine:Slow + mine:Halve"] == ("not tried", "mine:Slow has no measured model")
    assert ledger["pick"]["candidate"] == "mine:Fast"


def test_an_acceleration_that_fails_leaves_its_model_in_the_race(place, examples) -> None:
    place.fails["measure mine:Slow + mine:Halve"] = TaskFailed("the endpoint ended with code 1")
    ledger = run(place, examples, architectures=["mine:Slow"])
    assert outcome(ledger)["mine:Slow + mine:Halve"][0] == "failed"
    assert ledger["pick"]["candidate"] == "mine:Slow"


def test_when_all_fail_the_first_error_is_raised(place, examples) -> None:
    place.fails |= {"train mine:Slow": InputError("first"), "train mine:Fast": InputError("second")}
    with pytest.raises(InputError, match="first"):
        run(place, examples)


def test_a_full_disk_is_no_candidates_failure(place, examples) -> None:
    place.fails["train mine:Fast"] = StoreError("no space left")
    with pytest.raises(StoreError):
        run(place, examples)


def test_what_the_clock_forbids_is_listed_as_not_tried(place, examples) -> None:
    now = [0.0]
    place.after = lambda task: now.__setitem__(0, now[0] + (360.0 if task.step == "train" else 0.0))
    ledger = run(place, examples, clock=lambda: now[0], started=0.0)
    assert outcome(ledger)["mine:Fast"][0] != "not tried"  # begun at minute 6 of 10
    assert outcome(ledger)["mine:Slow + mine:Halve"] == ("not tried", "12.0 of 10 minutes spent")


def test_an_acceleration_that_would_take_longer_than_the_time_left_is_not_begun(place, examples) -> None:
    now, seconds = [0.0], {"train": 60.0, "measure": 90.0, "compress": 120.0, "choose": 0.0}
    place.after = lambda task: now.__setitem__(0, now[0] + seconds[task.step])
    timed = {"minutes": 7.0, "clock": lambda: now[0], "started": 0.0}
    lists = [["mine:Halve"], ["mine:Halve", "mine:Halve"]]
    ledger = run(place, examples, architectures=["mine:Slow"], passes=lists, **timed)
    assert outcome(ledger)["mine:Slow + mine:Halve"][0] != "not tried"
    said = "60 s of 7 minutes left, the last accelerated candidate took 210 s"
    assert outcome(ledger)["mine:Slow + mine:Halve + mine:Halve"] == ("not tried", said)


def test_the_first_acceleration_needs_the_time_of_its_models_measurement(place, examples) -> None:
    now = [0.0]
    place.after = lambda task: now.__setitem__(0, now[0] + (90.0 if task.step == "measure" else 0.0))
    ledger = run(place, examples, architectures=["mine:Slow"], minutes=2.0, clock=lambda: now[0], started=0.0)
    said = "30 s of 2 minutes left, the last measurement took 90 s"
    assert outcome(ledger)["mine:Slow + mine:Halve"] == ("not tried", said)


def test_a_model_and_its_acceleration_are_compared_by_the_answers_it_has_given_already(place, examples) -> None:
    run(place, examples, architectures=["mine:Slow"])
    first, second = (task for task in place.tasks if task.step == "measure")
    assert first.inputs["answered"] is None and second.inputs["answered"] == place.memory[first.digest].digest


def test_one_candidate_is_always_finished(place, examples) -> None:
    place.fails["train mine:Slow"] = TaskFailed("killed")
    ledger = run(place, examples, clock=lambda: 9999.0, started=0.0)
    assert ledger["pick"]["candidate"] == "mine:Fast"
    assert outcome(ledger)["mine:Fast + mine:Halve"][0] == "not applicable"


def test_an_impossible_goal_still_leaves_a_ledger(place, examples) -> None:
    ledger = run(place, examples, goal=Goal.from_settings({"target": "y", "p99_ms": 0.5}))
    assert ledger["pick"] is None and ledger["binding"]["budget"] == "p99_ms" and len(ledger["nearest"]) == 3


def test_settings_of_parts_may_be_names_tables_or_parts(place, examples) -> None:
    ledger = run(place, examples, architectures=[Slow(width=9), {"use": "mine:Fast"}], passes=["mine:Halve", []])
    assert "mine:Slow (width=9)" in outcome(ledger) and "mine:Slow (width=9) + mine:Halve" in outcome(ledger)


def test_what_begins_is_noted(place, examples) -> None:
    heard: list[str] = []
    run(place, examples, note=heard.append, architectures=["mine:Fast"], passes=[])
    assert heard == ["train mine:Fast", "measure mine:Fast"]


def test_a_metric_of_another_task_is_refused_before_anything_is_trained(place, examples) -> None:
    with pytest.raises(InputError, match="rmse cannot score"):
        run(place, examples, goal=Goal.from_settings({"target": "y", "metric": "rmse"}))
    assert not place.tasks


IMAGE = Field("x.image.picture", "uint8", (3, 8, 8))
WORDS = Field("x.words.body", "int32", (9,), sizes=(50,))
NUMBERS, CATEGORIES = Field("x.numbers", "float32", (3,)), Field("x.categories", "int64", (2,), sizes=(4, 5))


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ([IMAGE], ["convnet", "linear"]),
        ([IMAGE, NUMBERS], ["convnet", "linear"]),
        ([WORDS], ["text", "linear", "mlp"]),
        ([NUMBERS, CATEGORIES], ["linear", "mlp", "xgboost"]),
        ([NUMBERS, WORDS], ["text", "linear", "mlp"]),
        ([], ["linear"]),
    ],
)
def test_every_built_in_architecture_that_fits_the_tensors_is_tried_by_default(inputs, wanted) -> None:
    outputs = (Field("label", "string", values=("a", "b")), Field("probabilities", "float32", (2,)))
    signature = Signature("binary", "y", (), tuple(inputs), outputs)
    assert [a["use"] for a in defaults.default_architectures(signature)] == wanted


@pytest.mark.parametrize(("vnni", "bits"), [(True, None), (False, 7)])
def test_weights_have_seven_bits_where_the_processor_would_saturate(monkeypatch, vnni: bool, bits: int | None) -> None:
    monkeypatch.setattr(defaults, "has_vnni", lambda: vnni)
    assert [group[0].get("weight_bits") for group in defaults.default_passes()] == [bits, bits]


def test_a_ledger_is_a_report(place, examples) -> None:
    ledger = search(place, examples, goal=GOAL, architectures=["mine:Fast"], passes=[], minutes=1.0)
    assert isinstance(ledger, Report)


def test_a_recipe_of_the_project_goes_to_every_architecture_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    class Brief(Timed):
        fits = "brief"

    monkeypatch.setattr(campaign, "resolve", lambda family, name: Brief if name == "brief" else Timed)
    fitted = types.SimpleNamespace(recipe="brief")
    other = types.SimpleNamespace(recipe="other")
    assert recipe_within(fitted, 2.0, "brief") == {"use": "brief", "minutes": 2.0}
    assert recipe_within(fitted, 2.0, {"use": "brief", "minutes": 5}) == {"use": "brief", "minutes": 5}
    assert recipe_within(other, 2.0, "brief") == {"use": "other", "minutes": 2.0}


def test_what_the_project_says_of_measuring_reaches_every_measurement(place: FakePlace, examples: Examples) -> None:
    run(place, examples, measuring={"samples": 7})
    measured = [task.settings for task in place.tasks if task.step == "measure"]
    assert [settings["samples"] for settings in measured] == [7] * len(measured) != []
    assert [settings["calls"] for settings in measured] == [1000] * len(measured)
