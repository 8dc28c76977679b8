"""Steps as forms over the API: what they take, what there is to give them, and what of a draft would not run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.store.test_catalog import manifest

from aimass.console.jobs.worker import Worker
from aimass.console.place import Place
from aimass.core.task import Task
from aimass.store.catalog import Catalog
from aimass.store.jobs import Jobs

STEPS = "/api/v1/steps"
GROW = "tests.console.chores:grow"


@pytest.fixture
def examples(catalog: Catalog) -> str:
    """Digest of examples that a run has made, called flights/examples."""
    catalog.add_artifact(manifest("e", kind="examples"))
    run = catalog.start_run(Task("prepare", 1, {}, {}, label="flights"))
    catalog.end_run(run, "finished", output="e" * 64)
    catalog.set_name("flights/examples", "e" * 64)
    return "e" * 64


def check(client: TestClient, step: str, **draft: Any) -> Any:
    done = client.post(f"{STEPS}/{step}/check", json=draft)
    assert done.status_code == 200, done.text
    return done.json()


def test_the_form_of_a_step_has_its_inputs_settings_and_parts(admin: TestClient) -> None:
    names = [row["name"] for row in admin.get(STEPS).json()["rows"]]
    assert names.index("collect") < names.index("train") < names.index("publish") and "predict" not in names
    form = admin.get(f"{STEPS}/train").json()
    assert form["inputs"][0] == {"name": "examples", "kind": "examples", "shape": "one", "optional": False}
    model, recipe = form["fields"]
    assert (model["kind"], model["family"], model["required"]) == ("part", "architecture", True)
    assert recipe["optional"] and not recipe["required"]
    mlp = next(part for part in form["families"]["architecture"] if part["name"] == "mlp")
    width = next(field for field in mlp["fields"] if field["name"] == "width")
    assert (width["kind"], width["default"], width["low"], width["high"], width["log"]) == (
        "integer",
        256,
        4,
        4096,
        True,
    )
    gradient = next(part for part in form["families"]["recipe"] if part["name"] == "gradient")
    fields = {field["name"]: field for field in gradient["fields"]}
    assert fields["epochs"]["words"] == ["auto"] and fields["epochs"]["kind"] == "integer"
    assert fields["nesterov"]["choices"] == ["auto", True, False]
    assert fields["augment"]["of"]["family"] == "augmentation" and form["families"]["augmentation"]
    assert [field["name"] for field in fields["lora"]["fields"]] == ["rank", "alpha", "dropout", "layers"]


def test_a_draft_becomes_the_task_that_a_job_takes_and_the_command_that_asks_for_it(
    admin: TestClient, catalog: Catalog, examples: str
) -> None:
    settings = {"model": {"use": "mlp", "width": 32}}
    told = check(admin, "train", settings=settings, inputs={"examples": examples}, seed=3, save_as="flights/small")
    assert told["problems"] == [] and told["known"] is None and told["took"] is None
    assert told["command"] == (
        "aimass train flights/examples --model mlp --set model.width=32 --seed 3 --save-as flights/small"
    )
    task = told["task"]
    assert task["settings"]["model"]["dropout"] == 0.1, "spelled out: equal meaning is equal identity"
    made = admin.post("/api/v1/jobs", json={"task": task})
    assert made.status_code == 201 and made.json()["work"]["save_as"] == "flights/small"
    before = Task(**{key: value for key, value in task.items() if key != "save_as"})
    catalog.add_metrics(run := catalog.start_run(before), [("machine/run_memory_gb", None, 1.5)])
    catalog.end_run(run, "finished", output="a" * 64)
    again = check(admin, "train", settings=settings, inputs={"examples": examples}, seed=3)
    assert again["known"] == {"run": int(run), "output": "a" * 64}
    assert again["took"]["runs"] == 1 and again["took"]["same"] and again["took"]["memory_gb"] == 1.5
    assert check(admin, "train", settings=settings, inputs={"examples": examples})["known"] is None, "another seed"


def test_every_setting_that_cannot_be_is_told_at_its_place(admin: TestClient, examples: str) -> None:
    recipe = {"use": "gradient", "clip": -1, "epochs": "never", "lora": {"rank": 0}, "augment": [{"use": "flipp"}]}
    told = check(admin, "train", settings={"model": {"use": "mlp", "widht": 3, "depth": 99}, "recipe": recipe, "x": 1},
                 inputs={"examples": "f" * 64}, save_as="flights@champion")  # fmt: skip
    wrong = {problem["key"]: problem for problem in told["problems"]}
    assert set(wrong) >= {
        "x",
        "model.widht",
        "model.depth",
        "recipe.clip",
        "recipe.epochs",
        "recipe.lora.rank",
        "save_as",
    }
    assert "did you mean 'width'?" in wrong["model.widht"]["error"]
    assert wrong["model.depth"]["expected"] == "1..8" and told["task"] is None and told["command"] == ""
    [missing] = check(admin, "train", inputs={"examples": examples})["problems"]
    assert missing["key"] == "model"
    [absent] = check(admin, "train", settings={"model": "mlp"}, inputs={"examples": "f" * 64})["problems"]
    assert absent["key"] == "examples" and "there is no artifact" in absent["error"]
    passes = [{"use": "quantize-int8", "rows": 1, "weight_bits": 9}, "nothing"]
    listed = {problem["key"] for problem in check(admin, "compress", settings={"passes": passes})["problems"]}
    assert listed == {"passes.0.rows", "passes.0.weight_bits", "passes.1.use", "model", "examples"}


def test_what_a_run_was_told_is_checked_as_it_would_be_today(admin: TestClient, examples: str) -> None:
    """Its parts have the revisions of then."""
    settings = {"model": {"use": "mlp", "revision": 99, "width": 8}}
    told = check(admin, "train", settings=settings, inputs={"examples": examples})
    assert told["problems"] == [] and told["task"]["settings"]["model"]["revision"] != 99


def test_what_there_is_to_give_is_listed_by_kind_and_text(admin: TestClient, catalog: Catalog, examples: str) -> None:
    catalog.add_artifact(manifest("a"))
    [row] = admin.get(f"{STEPS}/train/inputs", params={"kind": "examples"}).json()["rows"]
    assert (row["digest"], row["names"], row["label"]) == (examples, ["flights/examples"], "flights")
    assert row["run"] == 1 and row["facts"]["rows"] == 3
    for text, count in (("FLI", 1), ("eeee", 1), ("nothing", 0), ("%", 0)):
        found = admin.get(f"{STEPS}/train/inputs", params={"kind": "examples", "text": text}).json()["rows"]
        assert len(found) == count, text
    assert admin.get(f"{STEPS}/train/inputs", params={"kind": "secret"}).status_code == 422


def test_a_step_by_its_import_path_is_an_admins(admin: TestClient, guest: Guest) -> None:
    operator = guest("operator")
    for method, path in (("GET", ""), ("POST", "/check")):
        done = operator.request(method, f"{STEPS}/{GROW}{path}", json={"settings": {"points": 3}})
        assert (done.status_code, done.json()["permission"]) == (403, "jobs.outside")
    reaching = operator.post(f"{STEPS}/train/check", json={"settings": {"model": "my.module:Net"}})
    assert reaching.status_code == 403, "nobody imports what may not be started"
    assert admin.get(f"{STEPS}/{GROW}").json()["fields"][0]["kind"] == "integer"
    told = check(admin, GROW, settings={"points": 3})
    assert told["command"].startswith("echo '{") and told["command"].endswith("| aimass task")
    assert admin.get(f"{STEPS}/{GROW}x").status_code == 422


def test_the_result_of_a_task_gets_the_name_it_was_asked_for(admin: TestClient, place: Place) -> None:
    task = check(admin, GROW, settings={"points": 2, "pause": 0.0}, save_as="grown/one")["task"]
    job = admin.post("/api/v1/jobs", json={"task": task}).json()["id"]
    worker = Worker(place.workspace)
    row = Jobs(place.catalog).claim(worker.holder)
    assert row is not None
    worker.see_through(row)
    assert place.catalog.find_name("grown/one") == Jobs(place.catalog).row(job)["outcome"]["digest"]
    bad = admin.post("/api/v1/jobs", json={"task": {**task, "save_as": "flights@champion"}})
    assert bad.status_code == 422 and bad.json()["key"] == "save_as"


@pytest.mark.parametrize("draft", ['{"settings": {"x": NaN}}', '{"settings": {"x": "\\ud800"}}', '{"inputs": {"a": 1}}',
                                   '{"settings": []}', '{"seed": 1.5}', '{"more": 1}'])  # fmt: skip
def test_what_is_no_draft_is_refused(admin: TestClient, draft: str) -> None:
    headers = {"content-type": "application/json"}
    assert admin.post(f"{STEPS}/train/check", content=draft, headers=headers).status_code == 422


def test_a_draft_without_a_bottom_is_refused(admin: TestClient) -> None:
    deep: Any = "mlp"
    for _ in range(400):
        deep = {"use": deep}
    done = admin.post(f"{STEPS}/train/check", content=json.dumps({"settings": {"model": deep}}),
                      headers={"content-type": "application/json"})  # fmt: skip
    assert done.status_code in (200, 422), done.text


def test_a_step_that_is_none_is_not_there(admin: TestClient) -> None:
    done = admin.get(f"{STEPS}/trian")
    assert (done.status_code, done.json()["error"]) == (404, "there is no step 'trian'")
