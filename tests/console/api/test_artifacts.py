"""An artifact with its lineage, both ways and whatever its shape."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.console.api.test_runs import get
from tests.store.test_catalog import manifest

from aimass.core.task import Task
from aimass.store import lineage
from aimass.store.catalog import Catalog

DIGEST = {letter: letter * 64 for letter in "abcdef"}


@pytest.fixture
def diamond(catalog: Catalog) -> Catalog:
    """Two sources a and b, a dataset c of both, a model d and a report e of c, a release f of d and e."""
    kinds = {"a": "dataset", "b": "dataset", "c": "examples", "d": "model", "e": "report", "f": "release"}
    came = {"c": "ab", "d": "c", "e": "cd", "f": "de"}
    for letter, kind in kinds.items():
        created = f"2026-01-0{ord(letter) - 96}T00:00:00"
        parents = (DIGEST[parent] for parent in came.get(letter, ""))
        catalog.add_artifact(manifest(letter, *parents, kind=kind, created=created))
    return catalog


def test_an_artifact_is_told_with_all_it_came_from_and_led_to(admin: TestClient, diamond: Catalog) -> None:
    run = diamond.start_run(Task("train", 1, {}, {"examples": DIGEST["c"]}, label="<b>mlp</b>"))
    diamond.end_run(run, "finished", output=DIGEST["d"])
    diamond.add_version("flights", DIGEST["f"])
    diamond.set_name("flights/train", DIGEST["d"])
    found = get(admin, f"/artifacts/{DIGEST['d']}")
    assert (found["kind"], found["run"], found["label"], found["size"]) == ("model", int(run), "<b>mlp</b>", 2**33)
    assert (found["names"], found["facts"]["rows"], found["more"]) == (["flights/train"], 3, False)
    assert [node["digest"][0] for node in found["nodes"]] == list("abcdef"), "oldest first"
    edges = [(a[0], b[0]) for a, b in found["edges"]]
    assert edges == [("a", "c"), ("b", "c"), ("c", "d"), ("c", "e"), ("d", "e"), ("d", "f"), ("e", "f")]
    assert found["nodes"][-1]["versions"] == [{"name": "flights", "number": 1}]


def test_what_is_neither_above_nor_below_is_left_out(admin: TestClient, diamond: Catalog) -> None:
    found = get(admin, f"/artifacts/{DIGEST['a']}")
    assert DIGEST["b"] not in [node["digest"] for node in found["nodes"]]


def test_the_beginning_of_a_digest_is_enough_where_it_is_one(admin: TestClient, diamond: Catalog) -> None:
    assert get(admin, "/artifacts/dddddd")["digest"] == DIGEST["d"]
    for digest, status in (("0" * 64, 404), ("0" * 8, 404), ("ddddd", 422), ("D" * 64, 422), ("d" * 65, 422)):
        assert admin.get(f"/api/v1/artifacts/{digest}").status_code == status, digest
    similar = manifest("d")
    diamond.add_artifact(type(similar)(**{**similar.__dict__, "digest": "d" * 63 + "0"}))
    assert admin.get("/api/v1/artifacts/dddddd").status_code == 409


def test_a_lineage_of_any_size_is_cut_where_it_is_furthest(diamond: Catalog) -> None:
    chain = [f"{number:064x}" for number in range(40)]
    for child, parent in zip(chain[1:], chain, strict=False):
        one = manifest("0", parent)
        diamond.add_artifact(type(one)(**{**one.__dict__, "digest": child}))
    found = lineage.around(diamond, chain[20], most=5)
    assert sorted(found.artifacts) == chain[15:26] and found.more
    assert len(found.edges) == 10
    assert not lineage.around(diamond, chain[20]).more


def test_parents_that_are_not_in_the_catalog_do_no_harm(diamond: Catalog) -> None:
    diamond.add_artifact(manifest("1", "9" * 64))
    found = lineage.around(diamond, "1" * 64)
    assert (list(found.artifacts), found.edges) == (["1" * 64], set())
