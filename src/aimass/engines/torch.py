"""PyTorch, eager or compiled: the graph and the head stay ONNX, the network runs in torch.

Imports torch: better in a process of its own (`host`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.engines.around import WHOLE, around, built, existing, unfit
from aimass.engines.base import Engine, Predictor, Tensors

ROWS = (2, 1, 3)  # compiled before the first call: any number of rows, and one row, which torch makes a case of its own


class Torch(Engine):
    """Runs the network's float weights in PyTorch, on the processor or a CUDA device."""

    threads: int = knob(1, 1, 256, help="threads inside one call; of the whole process")
    compile: Literal["none", "default", "max-autotune"] = knob("none", help="by torch.compile; takes a minute to load")
    device: Literal["cpu", "cuda"] = knob("cpu", help="where the weights lie")

    def files(self) -> tuple[str, ...]:
        return (*WHOLE, "model.json", "weights.safetensors")

    def load(self, model: Path) -> Predictor:
        """A predictor of MODEL/weights.safetensors in its architecture, between its graph and its head.

        Raises InputError for a model whose network is no built-in torch module, weights that do not fit it, a device
        that is not there, or a compiler that fails.
        """
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError("no CUDA device is here", expected='device = "cpu"', key="device")
        made, signature = built(model, "torch", "gradient")
        torch.set_num_threads(self.threads)
        module = weighted(made, existing(model, "weights.safetensors")).to(self.device).eval()
        names = [field.name for field in signature.inputs]
        run = module if self.compile == "none" else self._compiled(module, signature)

        def scores(tensors: Tensors) -> np.ndarray:
            with torch.inference_mode():
                given = [torch.from_numpy(tensors[name]).to(self.device) for name in names]
                found: np.ndarray = run(*given).cpu().numpy()
            return found

        return around(model, scores)

    def _compiled(self, module: nn.Module, signature: Signature) -> nn.Module:
        from torch._dynamo.exc import TorchDynamoException
        from torch._inductor.exc import InductorError

        found: nn.Module = torch.compile(module, mode=self.compile, dynamic=True)  # type: ignore[assignment]
        try:
            with torch.inference_mode():
                for rows in ROWS:
                    shapes = [((rows, *field.shape), getattr(torch, field.dtype)) for field in signature.inputs]
                    found(*(torch.zeros(shape, dtype=dtype, device=self.device) for shape, dtype in shapes))
        except (TorchDynamoException, InductorError) as error:
            why = str(error).strip().split("\n")[0]
            raise unfit("torch", f"torch.compile failed: {why}") from error
        return found


def weighted(module: nn.Module, path: Path) -> nn.Module:
    """MODULE with the weights of the safetensors file PATH.  Raises InputError when they are not its own."""
    try:
        module.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise InputError(
            f"{path} does not hold the weights of this network: {str(error).strip().splitlines()[0]}",
            expected="the weights that its training wrote",
            todo="train the model again",
        ) from error
    return module
