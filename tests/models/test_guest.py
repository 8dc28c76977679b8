"""A user's own network or estimator is an architecture like any other."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
from torch import nn

from aimass.core.errors import InputError
from aimass.core.part import resolve

SOURCE = """
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import nn


class Net(nn.Module):
    def __init__(self, signature, hidden=8):
        super().__init__()
        self.hidden = hidden
        self.layers = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, signature.width))

    def forward(self, numbers):
        return self.layers(numbers)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, numbers):
        return self.layer(numbers)


instance = Plain()
ready = LogisticRegression(C=0.5)


class Classifier(LogisticRegression):
    "A user's own class."


number = 7
"""


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The name of a module beside the project file."""
    (tmp_path / "guest_net.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "guest_net"
    sys.modules.pop("guest_net", None)


def test_a_module_class_is_built_with_the_signature_and_its_arguments(guest, signature_of) -> None:
    part = resolve("architecture", f"{guest}:Net").from_settings({"use": f"{guest}:Net", "arguments": {"hidden": 5}})
    module = part.build(signature_of("multiclass", "numbers"))
    assert isinstance(module, nn.Module)
    assert (module.hidden, module.layers[2].out_features) == (5, 3)
    assert part.recipe == "gradient"


def test_a_module_class_that_asks_for_no_signature_gets_none(guest, signature_of) -> None:
    part = resolve("architecture", f"{guest}:Plain")()
    assert isinstance(part.build(signature_of("binary", "numbers")), nn.Module)


def test_an_adopted_part_comes_back_from_its_settings(guest) -> None:
    name = f"{guest}:Net"
    part = resolve("architecture", name).from_settings({"use": name, "arguments": {"hidden": 5}})
    again = resolve("architecture", name).from_settings(part.settings())
    assert again.settings() == part.settings()


def test_an_edited_source_is_another_revision(guest, tmp_path) -> None:
    before = resolve("architecture", f"{guest}:Net").revision
    (tmp_path / "guest_net.py").write_text(SOURCE + "\n# edited")
    assert resolve("architecture", f"{guest}:Net").revision != before


def test_unknown_arguments_are_refused_with_the_constructor(guest, signature_of) -> None:
    part = resolve("architecture", f"{guest}:Net").from_settings({"use": f"{guest}:Net", "arguments": {"hiden": 5}})
    with pytest.raises(InputError, match="hiden") as error:
        part.build(signature_of("binary", "numbers"))
    assert "hidden=8" in error.value.expected


def test_an_instance_of_a_module_is_refused_because_its_weights_came_by_chance(guest) -> None:
    with pytest.raises(InputError, match="instance of a torch module") as error:
        resolve("architecture", f"{guest}:instance")
    assert "class itself" in error.value.todo


def test_an_object_that_is_no_model_is_refused(guest) -> None:
    with pytest.raises(InputError, match="int, not an architecture"):
        resolve("architecture", f"{guest}:number")


def test_an_estimator_may_be_a_class_or_an_unfitted_object(guest, signature_of) -> None:
    signature = signature_of("binary", "numbers")
    for name, c in (("Classifier", 2.0), ("ready", 2.0)):
        place = f"{guest}:{name}"
        part = resolve("architecture", place).from_settings({"use": place, "arguments": {"C": c}})
        assert part.recipe == "estimator"
        assert c == part.build(signature).C
    assert sys.modules[guest].ready.C == 0.5, "the user's own object stays as it was"


def test_a_classifier_without_probabilities_is_refused(guest, signature_of) -> None:
    with pytest.raises(InputError, match="no probabilities"):
        resolve("architecture", f"{guest}:LinearSVC")().build(signature_of("binary", "numbers"))


def test_an_estimator_refuses_texts(guest, signature_of) -> None:
    with pytest.raises(InputError, match=r"x\.words\.body"):
        resolve("architecture", f"{guest}:ready")().build(signature_of("binary", "numbers", "words"))


def test_a_duck_without_sklearn_is_adopted_too(monkeypatch, signature_of) -> None:
    class Duck:
        def fit(self, rows, target): ...

        def predict(self, rows): ...

    module = types.ModuleType("duck_pond")
    module.Duck = Duck  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "duck_pond", module)
    assert isinstance(resolve("architecture", "duck_pond:Duck")().build(signature_of("regression", "numbers")), Duck)
