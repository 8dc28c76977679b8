"""What a network gives becomes what our models answer: label and probabilities, a value, or plain tensors.

Which output is which is said by the user, by the importer, or by a ZipMap at the end of the graph; nothing is guessed
from numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import onnx
from onnx import TensorProto, helper

from aimass.core.errors import InputError
from aimass.core.signature import Field, Task
from aimass.imports.fields import fields_of

OURS = ("label", "probabilities", "scores", "value")
CLASSES = ("binary", "multiclass")
TODO = 'say it: answers = { probabilities = "NAME" }, with scores for numbers before softmax, or value, or label'


@dataclass(frozen=True)
class Answers:
    """TAKEN: our name -> the network's output, as a field of it; OUTPUTS is what comes back."""

    task: Task
    classes: tuple[str, ...]
    taken: Mapping[str, Field]

    @property
    def keys(self) -> tuple[int, ...]:
        """The classes as whole numbers, where all are: the values of an integer label.  Else it counts from 0."""
        whole = all(name.removeprefix("-").isdigit() for name in self.classes)
        return tuple(int(name) for name in self.classes) if whole else tuple(range(len(self.classes)))

    @property
    def outputs(self) -> tuple[Field, ...]:
        if self.task == "regression":
            return (Field("value", "float32"), *self._plain())
        if self.task == "other":
            return self._plain()
        label = Field("label", "string", values=self.classes)
        probabilities = Field("probabilities", "float32", (len(self.classes),))
        sure = {"probabilities", "scores"} & set(self.taken)
        return (label, *([probabilities] if sure else []), *self._plain())

    def _plain(self) -> tuple[Field, ...]:
        return tuple(Field(name, f.dtype, f.shape) for name, f in self.taken.items() if self.is_plain(name))

    def is_plain(self, name: str) -> bool:
        """Whether NAME comes back as the network gives it."""
        return self.task == "other" or name not in OURS


def answers_of(network: onnx.ModelProto, task: str, classes: Sequence[str], answers: Mapping[str, str]) -> Answers:
    """How NETWORK answers, from what is known of it; each may be empty.  Raises InputError where that is too little."""
    values = {value.name: value for value in network.graph.output}
    for name in answers.values():
        if name not in values:
            raise InputError(f"the model has no output {name!r}", expected=f"of: {', '.join(values)}", key="answers")
    kept = [values[name] for name in answers.values()] if answers else list(values.values())
    fields = fields_of(kept, "output")
    taken = dict(zip(answers, fields, strict=True)) if answers else _found(fields, task)
    task = task or (_task_of(taken, classes) if answers else "other")
    names = tuple(classes) or _counted(taken, task)
    _check(taken, task, names)
    return Answers(cast(Task, task), names if task in CLASSES else (), taken)


def _found(fields: Sequence[Field], task: str) -> dict[str, Field]:
    """The outputs FIELDS by our names: what TASK wants of them, if only one can be meant."""
    single = [f for f in fields if f.shape in ((), (1,))]
    if task in CLASSES:
        labels = [f for f in single if f.dtype in ("int64", "int32", "string", "bool")]
        numbers = [f for f in fields if f.dtype.startswith("float") and len(f.shape) <= 1]
        if len(numbers) > 1 or len(labels) > 1 or not numbers + labels:
            raise _unclear(fields, task)
        return dict([*(("label", f) for f in labels), *(("probabilities", f) for f in numbers)])
    if task == "regression":
        if len(single) != 1:
            raise _unclear(fields, task)
        return {"value": single[0]}
    return {f.name: f for f in fields}


def _unclear(fields: Sequence[Field], task: str) -> InputError:
    listed = ", ".join(f"{f.name} {f.dtype} {list(f.shape)}" for f in fields)
    return InputError(f"which output is the answer of a {task} model? It gives {listed}",
                      expected="one output that can be meant", todo=TODO, key="answers")  # fmt: skip


def _task_of(taken: Mapping[str, Field], classes: Sequence[str]) -> str:
    if not set(taken) & set(OURS):
        return "other"
    if "value" in taken:
        return "regression"
    count = len(classes) or len(_counted(taken, "multiclass"))
    if not count:
        raise InputError("the classes are not known", expected="their names, in order", key="classes",
                         todo="give them: classes = [\"no\", \"yes\"]")  # fmt: skip
    return "binary" if count == 2 else "multiclass"


def _counted(taken: Mapping[str, Field], task: str) -> tuple[str, ...]:
    """ "0", "1", ... for as many classes as there are numbers."""
    numbers = taken.get("probabilities") or taken.get("scores")
    if numbers is None:
        return ()
    width = numbers.shape[0] if numbers.shape else 1
    return tuple(str(i) for i in range(2 if width == 1 or task == "binary" else width))


def _check(taken: Mapping[str, Field], task: str, classes: tuple[str, ...]) -> None:
    wanted = {"regression": {"value"}, "other": set()}.get(task, {"probabilities", "scores", "label"})
    got = set(taken) & set(OURS) if task != "other" else set()
    if (wanted and not got) or not got <= wanted or {"probabilities", "scores"} <= got:
        raise InputError(f"a {task} model cannot answer {', '.join(sorted(got)) or 'nothing'}",
                         expected="value for regression; label with probabilities or scores for classes; "
                         "other names for the task other", todo=TODO, key="answers")  # fmt: skip
    numbers = taken.get("probabilities") or taken.get("scores")
    width = numbers.shape[0] if numbers and numbers.shape else 1
    fits = numbers is None or width in (0, len(classes)) or (width == 1 and len(classes) == 2)
    if task in CLASSES and (len(classes) < 2 or len(set(classes)) != len(classes) or not fits):
        raise InputError(f"{len(classes)} classes are named, the model gives {width} numbers a row",
                         expected="a name for each, all different", key="classes")  # fmt: skip


def without_zipmap(network: onnx.ModelProto) -> tuple[onnx.ModelProto, tuple[str, ...], dict[str, str]]:
    """NETWORK with a plain tensor where a ZipMap made a list of tables; its classes and answers, empty without one."""
    maps = [n for n in network.graph.node if n.op_type == "ZipMap" and n.domain == "ai.onnx.ml"]
    named = {value.name for value in network.graph.output}
    if len(maps) != 1 or maps[0].output[0] not in named:
        return network, (), {}
    plain = onnx.ModelProto()
    plain.CopyFrom(network)
    facts = {a.name: a for a in maps[0].attribute}
    texts, whole = facts.get("classlabels_strings"), facts.get("classlabels_int64s")
    classes = tuple(v.decode() for v in texts.strings) if texts else tuple(str(v) for v in whole.ints) if whole else ()
    before, after = maps[0].input[0], maps[0].output[0]
    plain.graph.node.remove(maps[0])
    outputs = [
        helper.make_tensor_value_info(before, TensorProto.FLOAT, [None, len(classes)]) if v.name == after else v
        for v in network.graph.output
    ]
    del plain.graph.output[:]
    plain.graph.output.extend(outputs)
    labels = [v.name for v in outputs if v.type.tensor_type.elem_type in (TensorProto.INT64, TensorProto.STRING)]
    return plain, classes, {**({"label": labels[0]} if len(labels) == 1 else {}), "probabilities": before}
