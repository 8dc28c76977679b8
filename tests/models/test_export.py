"""What cannot be exported is refused, not repaired."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from aimass.core.errors import InputError
from aimass.models.export import export


class Fixed(nn.Module):
    """`len` of a tensor is a Python number: the exporter writes down the one it saw."""

    def forward(self, numbers: Tensor) -> Tensor:
        return numbers.reshape(-1, 4)[:, :1] + len(numbers)


class Branching(nn.Module):
    def forward(self, numbers: Tensor) -> Tensor:
        return numbers[:, :1] if numbers.sum() > 0 else -numbers[:, :1]


def test_a_branch_on_the_values_of_a_tensor_is_refused_with_what_to_do(signature_of, tensors_for, tmp_path) -> None:
    signature = signature_of("binary", "numbers")
    with pytest.raises(InputError, match="cannot export") as error:
        export(Branching(), signature, tensors_for(signature, 4), tmp_path / "network.onnx")
    assert "branches" in error.value.todo


def test_a_network_that_differs_from_its_module_is_refused(signature_of, tensors_for, tmp_path, monkeypatch) -> None:
    signature = signature_of("binary", "numbers")
    module = nn.Sequential(nn.Linear(4, 1))
    original = torch.onnx.export

    def spoiled(ready: nn.Module, *args: object, **options: object) -> object:
        with torch.no_grad():
            next(ready.parameters()).add_(0.01)
        return original(ready, *args, **options)

    monkeypatch.setattr(torch.onnx, "export", spoiled)
    with pytest.raises(InputError, match=r"differs from the trained one by 0\.0"):
        export(module, signature, tensors_for(signature, 4), tmp_path / "network.onnx")


def test_a_number_of_rows_fixed_by_the_export_is_found_and_refused(signature_of, tensors_for, tmp_path) -> None:
    signature = signature_of("binary", "numbers")
    with pytest.raises(InputError, match="differs from the trained one by 8 on 1 rows") as error:
        export(Fixed(), signature, tensors_for(signature, 9), tmp_path / "network.onnx")
    assert "batch size" in error.value.todo


def test_exporting_leaves_the_module_as_it_was(signature_of, tensors_for, tmp_path) -> None:
    signature = signature_of("binary", "numbers")
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    export(module, signature, tensors_for(signature, 4), tmp_path / "network.onnx")
    assert module.training and isinstance(module[1], nn.BatchNorm1d)
    assert all(np.array_equal(before[name], value) for name, value in module.state_dict().items())


def test_a_batch_norm_without_running_statistics_is_refused_by_name(signature_of, tensors_for, tmp_path) -> None:
    signature = signature_of("binary", "numbers")
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 1))
    with pytest.raises(InputError, match=r"the layer 1 \(BatchNorm1d\) keeps no running statistics") as error:
        export(module, signature, tensors_for(signature, 4), tmp_path / "network.onnx")
    assert "LayerNorm" in error.value.todo


def test_a_batch_norm_without_weights_is_exported_beside_its_layer(signature_of, tensors_for, tmp_path) -> None:
    signature = signature_of("binary", "numbers")
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, affine=False), nn.Linear(3, 1))
    export(module, signature, tensors_for(signature, 4), tmp_path / "network.onnx")
    assert (tmp_path / "network.onnx").exists()
