"""Files that are programs: loading one can run whatever its author wrote, so it is refused, with the way round.

The reasons, format by format, are in docs/decisions/0018-imports.md.
"""

from __future__ import annotations

from pathlib import Path

from aimass.core.errors import InputError

LIVE = "load it where you trust it, and give the object: aimass.import_model(model, rows=some_rows)"
ELSEWHERE = "export it to ONNX where it was made, and import that with its answers (docs/imports.md)"
PROGRAMS = {
    ".pkl": ("a pickle", LIVE),
    ".pickle": ("a pickle", LIVE),
    ".joblib": ("a joblib file, which is a pickle", LIVE),
    ".skops": ("a skops file, which names the Python types to build", LIVE),
    ".pt": ("a torch file: a pickle, or a TorchScript program", LIVE),
    ".pth": ("a torch file: a pickle, or a TorchScript program", LIVE),
    ".pt2": ("an exported torch program, whose loader falls back to pickle", LIVE),
    ".keras": ("a Keras file, which names the Python classes to build", LIVE),
    ".h5": ("a Keras file, which may hold marshalled Python code", LIVE),
    ".hdf5": ("a Keras file, which may hold marshalled Python code", LIVE),
    ".pb": ("a TensorFlow graph, which may read and write files", ELSEWHERE),
}
DATA = {".onnx": "onnx", ".json": "xgboost", ".ubj": "xgboost", ".txt": "lightgbm"}


def importer_for(path: Path) -> str:
    """The importer that reads files like PATH.  Raises InputError for a program, and for what nobody reads."""
    ending = ".pb" if (path / "saved_model.pb").is_file() else path.suffix.lower()
    refuse_programs(path, ending)
    if ending not in DATA:
        raise InputError(
            f"{path.name} does not say what it is",
            expected=f"a file that ends in {', '.join(DATA)}",
            todo="name its importer: --use onnx, xgboost or lightgbm",
            key="path",
        )
    return DATA[ending]


def refuse_programs(path: Path, ending: str) -> None:
    """Raises InputError for an ENDING of files that can run code."""
    if ending in PROGRAMS:
        what, todo = PROGRAMS[ending]
        raise InputError(f"{path.name} is {what}: loading it could run code", expected="a file that is only data: "
                         "ONNX, XGBoost's JSON or UBJSON, LightGBM's text", todo=todo, key="path")  # fmt: skip


def objects_only(importer: str) -> InputError:
    """The refusal of an importer that takes no file at all."""
    return InputError(f"{importer} models are not read from files: loading one could run code",
                      expected="the model itself, as an object", todo=LIVE, key="source")  # fmt: skip
