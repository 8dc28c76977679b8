"""The contract of every architecture in the table, and what sets each apart."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
import torch

from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.models import PARTS
from aimass.models.export import export, fold_batch_norms, scores_of
from aimass.models.network import run
from aimass.models.text import BiLstm

TASKS = ("binary", "multiclass", "regression")
TAKES = {  # what each can use, the widest mix; its first tensor is the one it cannot do without
    "linear": ("numbers", "categories", "words", "image"),
    "mlp": ("numbers", "categories", "words"),
    "convnet": ("image", "numbers", "categories", "words"),
    "text": ("words", "numbers", "categories"),
    "xgboost": ("numbers", "categories"),
}
TORCH = [name for name in PARTS if resolve("architecture", name).recipe == "gradient"]


def test_every_architecture_of_the_table_is_tested_here() -> None:
    assert set(TAKES) == set(PARTS)


@pytest.mark.parametrize("name", PARTS)
class TestEveryArchitecture:
    def test_its_settings_come_back_from_json(self, name: str) -> None:
        part = resolve("architecture", name)()
        assert resolve("architecture", name).from_settings(part.settings()) == part
        assert part.settings()["use"] == name

    @pytest.mark.parametrize("task", TASKS)
    def test_it_is_built_for_all_it_takes(self, name: str, task: str, signature_of) -> None:
        assert resolve("architecture", name)().build(signature_of(task, *TAKES[name])) is not None

    def test_it_names_the_inputs_it_would_ignore(self, name: str, signature_of) -> None:
        for kind in {"numbers", "categories", "words", "image"} - set(TAKES[name]):
            with pytest.raises(InputError, match=rf"x\.{kind}"):
                resolve("architecture", name)().build(signature_of("binary", *TAKES[name], kind))

    def test_it_refuses_examples_without_a_feature(self, name: str, signature_of) -> None:
        with pytest.raises(InputError, match="nothing to learn from"):
            resolve("architecture", name)().build(signature_of("binary"))


@pytest.mark.parametrize("name", TORCH)
class TestEveryTorchArchitecture:
    @pytest.mark.parametrize("task", TASKS)
    def test_its_scores_have_the_width_of_the_task(self, name: str, task: str, signature_of, tensors_for) -> None:
        signature = signature_of(task, *TAKES[name])
        module = resolve("architecture", name)().build(signature)
        assert scores_of(module, list(tensors_for(signature, 3).values())).shape == (3, signature.width)

    def test_its_network_answers_one_row_as_it_answers_many(
        self, name: str, signature_of, tensors_for, tmp_path
    ) -> None:
        signature = signature_of("multiclass", *TAKES[name])
        torch.manual_seed(0)
        module = resolve("architecture", name)().build(signature)
        tensors = tensors_for(signature, 9)
        export(module, signature, tensors, tmp_path / "network.onnx")
        many = run(tmp_path / "network.onnx", tensors)
        singly = [run(tmp_path / "network.onnx", {k: t[i : i + 1] for k, t in tensors.items()}) for i in range(9)]
        np.testing.assert_allclose(np.concatenate(singly), many, rtol=0, atol=1e-6)

    def test_its_network_takes_the_names_of_the_signature_and_nothing_else(
        self, name: str, signature_of, tensors_for, tmp_path
    ) -> None:
        signature = signature_of("binary", *TAKES[name])
        path = tmp_path / "network.onnx"
        export(resolve("architecture", name)().build(signature), signature, tensors_for(signature, 3), path)
        proto = onnx.load(path)
        assert [i.name for i in proto.graph.input] == [f.name for f in signature.inputs]
        assert [o.name for o in proto.graph.output] == ["scores"]
        assert not re.search(rb"\.py|stack_trace", path.read_bytes()), "paths would make the digest depend on the place"


def test_the_lstm_of_text_is_exported_too(signature_of, tensors_for, tmp_path) -> None:
    signature = signature_of("binary", "words", "numbers")
    module = (
        resolve("architecture", "text").from_settings({"use": "text", "encoder": "lstm", "tokens": 7}).build(signature)
    )
    export(module, signature, tensors_for(signature, 6), tmp_path / "network.onnx")  # the parity gate is inside


def test_the_lstm_does_not_see_how_much_padding_follows_a_text() -> None:
    torch.manual_seed(0)
    lstm = BiLstm(50, 4, 3, tokens=100)
    words = torch.randint(1, 50, (2, 6))
    padded = torch.cat([words, torch.zeros(2, 5, dtype=words.dtype)], dim=1)
    torch.testing.assert_close(lstm(padded), lstm(words))


def test_a_bag_gives_an_empty_text_the_zero_vector(signature_of) -> None:
    module = resolve("architecture", "text")().build(signature_of("binary", "words"))
    assert not module.encoders[0](torch.zeros(1, 12, dtype=torch.int32)).any()


def test_folding_batch_norms_changes_no_score(signature_of, tensors_for) -> None:
    signature = signature_of("multiclass", "image", "numbers")
    torch.manual_seed(0)
    module = resolve("architecture", "convnet")().build(signature)
    arrays = list(tensors_for(signature, 5).values())
    module.train()(*map(torch.from_numpy, arrays))  # gives the norms statistics of their own
    before = scores_of(module, arrays)
    folded = fold_batch_norms(module.eval())
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules()) == 1  # of the pixels
    np.testing.assert_allclose(scores_of(folded, arrays), before, atol=1e-5)


def test_large_images_are_halved_by_the_stem(signature_of) -> None:
    from dataclasses import replace

    from aimass.models.inputs import of_kind

    signature = signature_of("binary", "image")
    large = replace(of_kind(signature, "image")[0], shape=(3, 200, 150))
    module = resolve("architecture", "convnet")().build(replace(signature, inputs=(large,)))
    strides = [m.stride[0] for m in module.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert strides[:2] == [2, 2] or strides[0] == 2
    assert scores_of(module, [np.zeros((2, 3, 200, 150), np.float32)]).shape == (2, 1)
