"""A torch module becomes network.onnx: inputs by the names of the signature, any number of rows, nothing else in it."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.models.network import IR_VERSION, OPSET, bare, check_parity, rename_inputs


def export(module: nn.Module, signature: Signature, tensors: Mapping[str, np.ndarray], out: Path) -> None:
    """Write MODULE in evaluation mode, batch norms folded into the layers before them, to OUT.

    TENSORS are a few real rows by name, at least two: of one row the exporter would make a constant.
    Raises InputError when ONNX cannot express the module or the file gives other scores than the module.
    """
    check_rows_apart(module)
    check_copies(module)
    ready = Positional(fold_batch_norms(copy.deepcopy(module).cpu().eval()))
    fields = [field.name for field in signature.inputs]
    names = [f"input_{i}" for i in range(len(fields))]  # parameters of a function cannot have dots in their names
    program = _program(ready, tuple(torch.from_numpy(tensors[name]) for name in fields), names)
    proto = bare(program.model_proto)
    proto.ir_version = IR_VERSION
    rename_inputs(proto, dict(zip(names, fields, strict=True)))
    onnx.save(proto, out)
    check_parity(out, lambda rows: scores_of(module, [rows[name] for name in fields]), tensors)


def check_rows_apart(module: nn.Module) -> None:
    """Raises InputError when MODULE holds a batch norm that would answer a row by the rows that came with it."""
    for name, layer in module.named_modules():
        if isinstance(layer, _BatchNorm) and layer.running_mean is None:
            raise InputError(
                f"the layer {name or 'itself'} ({type(layer).__name__}) keeps no running statistics, so the answer for "
                "a row would depend on the rows asked beside it",
                expected="layers that answer each row by itself",
                todo="leave track_running_stats out, or use nn.LayerNorm",
                key="model",
            )


def check_copies(module: nn.Module) -> None:
    """Raises InputError when MODULE holds what cannot be copied, as a lock or an open file: `export` folds a copy."""
    weights = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}  # known to be: left out
    try:
        copy.deepcopy(module, weights)
    except Exception as error:  # whatever a module of somebody's own makes of being copied
        raise InputError(
            f"{type(module).__name__} cannot be copied, which its export needs: {error}",
            expected="attributes that can be copied; no locks, open files or connections",
            todo="make them where forward needs them, or give the class a __deepcopy__",
            key="model",
        ) from error


def scores_of(module: nn.Module, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Scores [N, W] of MODULE in evaluation mode."""
    was = module.training
    module.eval()
    with torch.inference_mode():
        scores: np.ndarray = module(*(torch.from_numpy(array) for array in arrays)).numpy()
    module.train(was)
    return scores


class Positional(nn.Module):
    """Any module as one that takes its tensors by position: what the exporter is told then fits every forward."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *tensors: Tensor) -> Tensor:
        scores: Tensor = self.net(*tensors)
        return scores


def _program(module: nn.Module, tensors: tuple[Tensor, ...], names: list[str]) -> torch.onnx.ONNXProgram:
    rows = torch.export.Dim("N", min=1)
    try:
        with quiet():
            program = torch.onnx.export(
                module,
                tensors,
                dynamo=True,
                opset_version=OPSET,
                input_names=names,
                output_names=["scores"],
                dynamic_shapes=(tuple({0: rows} for _ in tensors),),
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise InputError(
            f"torch cannot export the model to ONNX: {reason}",
            expected="a forward of tensor operations, the same for any number of rows",
            todo="replace Python branches on tensor values, and shapes taken from the batch, by tensor operations",
        ) from error
    assert program is not None  # dynamo=True always gives a program
    return program


@contextmanager
def quiet() -> Iterator[None]:
    """The exporter tells its own developers about its insides; errors still come through."""
    loggers = [logging.getLogger(name) for name in ("torch", "torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """MODULE with each batch norm that follows a linear or convolution layer of an nn.Sequential merged into it.

    In place.  Two layers become one: fewer bytes, less to compute, and whole layers for quantisation.
    """
    for child in list(module.modules()):
        if isinstance(child, nn.Sequential):
            for i in range(len(child) - 1):
                fused = _fused(child[i], child[i + 1])
                if fused is not None:
                    child[i], child[i + 1] = fused, nn.Identity()
    return module


def _fused(first: nn.Module, second: nn.Module) -> nn.Module | None:
    if isinstance(second, _BatchNorm) and (second.running_mean is None or second.weight is None):
        return None
    if isinstance(first, nn.Linear) and isinstance(second, nn.BatchNorm1d):
        return fuse_linear_bn_eval(first, second)
    if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
        return fuse_conv_bn_eval(first, second)
    return None
