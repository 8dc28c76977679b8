"""PyTorch modules, exported programs and TorchScript, as objects; torch's own exporters convert them.

Their files are pickles or programs, so none is read.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from aimass.core.errors import InputError
from aimass.imports.base import Importer, Original
from aimass.imports.programs import objects_only
from aimass.models.export import quiet
from aimass.models.network import OPSET


class Torch(Importer):
    """A module, an ExportedProgram or a ScriptModule; in evaluation mode, on the processor."""

    def read(self, model: Any, rows: Any = None) -> Original:
        """MODEL: the object; ROWS: a table of tensors by the names of forward's parameters, one tensor, or several.

        Raises InputError for a file, and for a forward that the exporter cannot follow.
        """
        if isinstance(model, Path):
            raise objects_only("torch")
        names, tensors = _named(model, rows)
        answers = _answers(model, tensors)
        outputs = [f"output_{i}" for i in range(len(answers))] if len(answers) > 1 else ["output"]
        network = _exported(model, names, tensors, outputs)
        right = dict(zip(outputs, answers, strict=True))
        arrays = {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)}
        return Original(network, lambda _: right, f"PyTorch {torch.__version__}", rows=arrays)


def _named(model: Any, rows: Any) -> tuple[list[str], list[Tensor]]:
    if rows is None:
        raise InputError("a torch model is imported with some rows", expected="rows = a tensor, several, or a table of "
                         "them", todo="give at least two rows", key="rows")  # fmt: skip
    given = rows if isinstance(rows, dict) else {}
    tensors = [
        torch.as_tensor(v) for v in (given.values() if given else rows if isinstance(rows, (list, tuple)) else [rows])
    ]
    counts = {len(tensor) if tensor.ndim else 0 for tensor in tensors}
    if len(counts) != 1 or min(counts, default=0) < 2:
        raise InputError(f"the rows have lengths {sorted(counts)}", expected="tensors of the same length, 2 at least: "
                         "of one row the exporter would make a constant", key="rows")  # fmt: skip
    return [*given] or [f"input_{i}" if len(tensors) > 1 else "input" for i in range(len(tensors))], tensors


def _answers(model: Any, tensors: list[Tensor]) -> list[np.ndarray]:
    module = model.module() if isinstance(model, ExportedProgram) else model.eval()
    with torch.inference_mode():
        found = module(*tensors)
    outputs = list(found) if isinstance(found, (tuple, list)) else [found]
    if not all(isinstance(output, Tensor) for output in outputs):
        kinds = ", ".join(type(output).__name__ for output in outputs)
        raise InputError(f"forward gives {kinds}", expected="a tensor, or a tuple of them", key="path",
                         todo="wrap the module in one whose forward returns tensors")  # fmt: skip
    return [output.numpy() for output in outputs]


def _exported(model: Any, names: list[str], tensors: list[Tensor], outputs: list[str]) -> onnx.ModelProto:
    """MODEL as ONNX.  TorchScript has only the older exporter; programs keep the shapes they were exported with."""
    how: dict[str, Any] = {"input_names": names, "output_names": outputs, "opset_version": OPSET, "verbose": False}
    try:
        with quiet():
            if isinstance(model, torch.jit.ScriptModule):
                stream, axes = io.BytesIO(), {name: {0: "N"} for name in [*names, *outputs]}
                # The older exporter also writes to a stream; its annotation does not say so.
                torch.onnx.export(model, tuple(tensors), stream, dynamo=False, dynamic_axes=axes, **how)  # type: ignore[arg-type]
                return onnx.load_from_string(stream.getvalue())
            if not isinstance(model, ExportedProgram):
                how["dynamic_shapes"] = (tuple({0: torch.export.Dim("N", min=1)} for _ in tensors),)
            program = torch.onnx.export(_positional(model), tuple(tensors), dynamo=True, **how)
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        why = str(error.__cause__ or error).strip().splitlines()[0][:200]
        raise InputError(f"torch cannot export the model to ONNX: {why}", expected="a forward of tensor operations, "
                         "the same for any number of rows", key="path", todo="replace Python branches on tensor "
                         "values, and shapes taken from the batch, by tensor operations") from error  # fmt: skip
    assert program is not None  # dynamo=True always gives a program
    proto: onnx.ModelProto = program.model_proto
    return proto


def _positional(model: Any) -> Any:
    from aimass.models.export import Positional

    return Positional(model) if isinstance(model, nn.Module) else model
