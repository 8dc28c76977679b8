"""Texts: words become indices by one table that holds every spelling, so no operator depends on a locale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Field
from aimass.prepare.arrays import texts
from aimass.prepare.base import Column, Fitted, Preparer

if TYPE_CHECKING:
    from aimass.prepare.graph import Builder

# Letters with their accents, digits, single marks that carry meaning, single emoji (RE2 syntax; \w is ASCII there).
WORD = r"[\p{L}\p{M}\p{N}]+|[!?$€£%@#]|\p{So}"
CHUNK = 64  # texts whose words are counted at once: the tokenizer's table is as wide as the longest of them ...
CELLS = 2_000_000  # ... so fewer where they are long
PADDING, UNKNOWN = 0, 1


class Text(Preparer):
    """The first LENGTH words as indices; small and capital letters count as the same word."""

    length: int = knob(200, 1, 100_000, log=True, help="words of a text that are read")
    vocabulary: int = knob(20_000, 1, 1_000_000, log=True, help="most frequent words that get an index")
    rarest: int = knob(3, 1, 1_000_000, log=True, help="texts' occurrences a word needs to get one")

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        """Count the words with the operator that will also find them later."""
        if column.type not in ("text", "integer", "number", "boolean"):
            what = f"column {column.name} holds {column.type}, not text"
            raise InputError(what, expected="a column of text", todo="drop it, or let its kind be found")
        forms: Counter[str] = Counter()
        for words in _words(texts(values)):
            forms.update(words)
        counts: Counter[str] = Counter()
        for form, count in forms.items():
            counts[form.lower()] += count
        common = sorted((w for w, n in counts.items() if n >= self.rarest), key=lambda w: (-counts[w], w))
        index = {word: i + UNKNOWN + 1 for i, word in enumerate(common[: self.vocabulary])}
        table = {form: index[form.lower()] for form in forms if form.lower() in index}
        for word, place in index.items():
            for form in (word, word.upper(), word.title()):
                table.setdefault(form, place)
        spelled = sorted(table)
        facts = {"length": self.length, "size": len(index) + 2, "forms": spelled, "index": [table[f] for f in spelled]}
        return Fitted(Field(column.name, "string", kind="text", sent="string"), facts)

    @classmethod
    def compile(cls, fitted: Sequence[Fitted], build: Builder) -> None:
        """string [N] -> int32 [N, LENGTH] a column; padded with 0, unknown words are 1"""
        for column in fitted:
            facts, name = column.constants, column.field.name
            words = build.each_row(name, facts["length"], partial(_indices, facts))
            build.words(name, words, facts["length"], facts["size"])


def _indices(facts: dict[str, Any], row: Builder, text: str) -> str:
    """string [1] -> int32 [1, LENGTH]"""
    zero, length, axis = (row.const([number], np.int64) for number in (0, facts["length"], 1))
    tokens = row.op("Slice", tokenize(row, text), zero, length, axis)
    index = row.op("LabelEncoder", tokens, domain="ai.onnx.ml", keys_strings=facts["forms"] or [""],
                   values_int64s=facts["index"] or [PADDING], default_int64=UNKNOWN)  # fmt: skip
    padding = row.const(np.full((1, facts["length"]), PADDING, np.int64))
    padded = row.op("Concat", index, padding, axis=1)
    return row.op("Cast", row.op("Slice", padded, zero, length, axis), to=6)


def tokenize(build: Builder, name: str) -> str:
    """string [N] -> string [N, words of the longest], padded with the empty text."""
    return build.op("Tokenizer", name, domain="com.microsoft", mark=0, mincharnum=1, pad_value="", tokenexp=WORD)


def _words(values: np.ndarray) -> Iterator[list[str]]:
    """The words of each of VALUES."""
    from onnx import TensorProto, helper

    from aimass.prepare.graph import IR_VERSION, OPSET, Builder, Graph

    build = Builder()
    words = tokenize(build, "text")
    graph = helper.make_graph(
        build.nodes, "words",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])],
        [helper.make_tensor_value_info(words, TensorProto.STRING, ["N", None])],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    run = Graph(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION))
    order = np.argsort([len(v) for v in values], kind="stable")  # alike lengths together: little padding
    begin = 0
    while begin < len(order):
        end = begin + CHUNK
        while end > begin + 1 and (end - begin) * len(values[order[min(end, len(order)) - 1]]) > CELLS:
            end = (begin + end) // 2
        for row in run({"text": values[order[begin:end]]})[words]:
            yield [word for word in row.tolist() if word]
        begin = end
