"""Keras models, as objects; Keras 3 exports them itself, whatever its backend.

Their files name the classes to build, so none is read.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from aimass.core.errors import InputError
from aimass.imports.base import Importer, Original
from aimass.imports.file import network_in
from aimass.imports.programs import objects_only


class Keras(Importer):
    """A built Keras 3 model."""

    def read(self, model: Any, rows: Any = None) -> Original:
        """MODEL: a keras.Model; ROWS: an array, a list of them, or a table by the names of its inputs.

        Raises InputError for a file, and for a model that Keras cannot export.
        """
        if isinstance(model, Path):
            raise objects_only("Keras")
        import keras  # not before: it looks for its backend, which who made MODEL has chosen

        arrays = _arrays(model, rows)
        found = model.predict_on_batch(list(arrays.values()) if len(arrays) > 1 else next(iter(arrays.values())))
        network = _exported(model)
        answers = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else [found]
        outputs = [value.name for value in network.graph.output]
        right = dict(zip(outputs, map(np.asarray, answers), strict=True))
        inputs = [value.name for value in network.graph.input]
        given = dict(zip(inputs, arrays.values(), strict=True))
        return Original(network, lambda _: right, f"Keras {keras.__version__} ({keras.backend.backend()})", rows=given)


def _arrays(model: Any, rows: Any) -> dict[str, np.ndarray]:
    if rows is None:
        raise InputError("a Keras model is imported with some rows", expected="rows = an array, or several",
                         key="rows")  # fmt: skip
    names = [tensor.name for tensor in model.inputs]
    given = [rows[name] for name in names] if isinstance(rows, dict) else rows if isinstance(rows, list) else [rows]
    if len(given) != len(names):
        raise InputError(f"{len(given)} arrays are given, the model takes {len(names)}", expected=", ".join(names),
                         key="rows")  # fmt: skip
    return {
        name: np.asarray(array, tensor.dtype) for name, tensor, array in zip(names, model.inputs, given, strict=True)
    }


def _exported(model: Any) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        try:
            model.export(os.fspath(path), format="onnx", verbose=False)
        except (RuntimeError, ValueError, NotImplementedError, ImportError) as error:
            raise InputError(f"Keras cannot export the model: {str(error).strip().splitlines()[0][:200]}",
                             expected="a built model that Keras exports to ONNX", key="path",
                             todo="with the TensorFlow backend install tf2onnx beside it") from error  # fmt: skip
        return network_in(path)
