"""Words that change, against one text at a time, and against the graph that reads texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.train.augment.base import branch
from aimass.train.augment.misspell import mistakes
from aimass.train.augment.vocabulary import vocabulary_of
from aimass.train.batch import Batch
from aimass.train.rng import Chance
from tests.train.augment.by_hand import LENGTH, TABLE, TEXTS, part, read, signature_of, vocabulary
from tests.train.by_hand import graph_of

SIGNATURE = signature_of("words")
UNKNOWN = 1
some_texts = st.lists(st.lists(st.integers(1, 15), max_size=LENGTH), min_size=1, max_size=6)
shares = st.sampled_from([0.0, 0.3, 1.0])


def varied(name: str, texts: list[list[int]], graph: Path | None = None, **given: Any) -> list[list[int]]:
    """TEXTS after the part, padding taken off: it must be at the end."""
    rows = torch.arange(len(texts))
    padded = torch.tensor([text + [0] * (LENGTH - len(text)) for text in texts], dtype=torch.int32)
    batch = Batch((padded,), torch.zeros(len(texts), dtype=torch.int64), rows)
    found = part(name, **given).ready(SIGNATURE, graph)(batch, Chance(7, 0, rows)).tensors[0]
    assert ((found == 0).long().diff(dim=1) >= 0).all(), "padding stands at the end"
    return [[int(word) for word in text if word] for text in found]


def luck(texts: list[list[int]]) -> Chance:
    return branch(Chance(7, 0, torch.arange(len(texts))), "x.words.body")


@settings(max_examples=40, deadline=None)
@given(some_texts, shares)
def test_deleted_words_leave_the_others_in_order_and_one_at_least(texts: list[list[int]], share: float) -> None:
    number = luck(texts).uniform("share", LENGTH).tolist()
    for n, text in enumerate(varied("delete-words", texts, share=share)):
        left = [word for word, own in zip(texts[n], number[n], strict=False) if own >= share]
        luckiest = [texts[n][int(np.argmax(number[n][: len(texts[n])]))]] if texts[n] else []
        assert text == (left or luckiest)


@settings(max_examples=40, deadline=None)
@given(some_texts, shares)
def test_inserted_words_are_of_the_text_and_stand_before_chosen_ones(texts: list[list[int]], share: float) -> None:
    number, which = (
        luck(texts).uniform("share", LENGTH).tolist(),
        luck(texts).integers("which", 0, 1 << 30, LENGTH).tolist(),
    )
    for n, text in enumerate(varied("insert-words", texts, share=share)):
        expected: list[int] = []
        for i, word in enumerate(texts[n]):
            expected += [texts[n][which[n][i] % len(texts[n])]] if number[n][i] < share else []
            expected.append(word)
        assert text == expected[:LENGTH]


@settings(max_examples=40, deadline=None)
@given(some_texts, shares)
def test_swapped_words_are_chosen_ones_in_another_order(texts: list[list[int]], share: float) -> None:
    number, order = (luck(texts).uniform(name, LENGTH).tolist() for name in ("share", "order"))
    for n, text in enumerate(varied("swap-words", texts, share=share)):
        chosen = [i for i in range(len(texts[n])) if number[n][i] < share]
        expected = list(texts[n])
        for here, there in zip(chosen, sorted(chosen, key=lambda i: order[n][i]), strict=True):
            expected[here] = texts[n][there]
        assert text == expected


def test_the_vocabulary_is_read_from_the_graph_in_every_spelling(graph: Path) -> None:
    found = vocabulary_of(graph, "x.words.body")
    by_hand = vocabulary()
    assert {word: found[word] for word in by_hand} == by_hand
    assert found["FORM"] == found["Form"] == found["form"]
    assert [[found[word] for word in ("form", "show")]] == [read(["form show"])[0][:2].tolist()]


def test_a_graph_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "graph.onnx"
    onnx.save(graph_of(signature_of_rows()), path)
    with pytest.raises(InputError, match=r"no vocabulary is known of x\.words\.body"):
        part("misspell").ready(SIGNATURE, path)
    with pytest.raises(InputError, match="there is no graph"):
        part("misspell").ready(SIGNATURE)


def signature_of_rows() -> Any:
    from tests.train.by_hand import signature_of as with_rows

    return with_rows("binary", "words")


def test_synonyms_replace_words_of_the_table_by_words_of_the_table(graph: Path) -> None:
    texts = [row[row > 0].tolist() for row in read(TEXTS)]
    index, met = vocabulary(), set()
    allowed = {index[word]: {index[s] for s in others if s in index} for word, others in TABLE.items() if word in index}
    for before, after in zip(texts, varied("synonyms", texts, graph, table=TABLE, share=1.0), strict=True):
        for word, other in zip(before, after, strict=True):
            assert other in allowed.get(word, {word})
            met.add((word, other))
    assert (index["movie"], index["film"]) in met
    assert varied("synonyms", texts, graph, table=TABLE, share=0.0) == texts


def test_capitals_in_the_table_of_synonyms_do_not_matter(graph: Path) -> None:
    index = vocabulary()
    texts = [[index["film"], index["show"]]]
    assert varied("synonyms", texts, graph, table={"FiLm": ["MOVIE"], "film": []}, share=1.0) == [
        [index["movie"], index["show"]]
    ]


def test_a_table_of_unknown_words_is_refused(graph: Path) -> None:
    with pytest.raises(InputError, match=r"can replace no word of x\.words\.body"):
        part("synonyms", table={"never": ["seen"], "film": ["unheard"]}).ready(SIGNATURE, graph)


def test_misspelt_words_are_what_the_graph_reads_in_the_misspelt_text(graph: Path) -> None:
    index = vocabulary()
    words = [word for word in index if len(word) > 1]
    read_as = {word: {int(read([m])[0, 0]) for m in mistakes(word)} for word in words}
    texts = [[index[word]] * LENGTH for word in words]
    for word, after in zip(words, varied("misspell", texts, graph, share=1.0), strict=True):
        assert set(after) <= read_as[word]
    assert UNKNOWN in read_as["film"]
    assert index["from"] in read_as["form"]
    assert all(len(np.flatnonzero(read([m])[0])) == 1 for word in words for m in mistakes(word))


def test_signs_and_unknown_words_are_never_misspelt(graph: Path) -> None:
    texts = [[vocabulary()["!"], vocabulary()["a"], UNKNOWN] * 4]
    assert varied("misspell", texts, graph, share=1.0) == texts


def test_mistakes_are_all_single_slips() -> None:
    assert sorted(mistakes("abb")) == sorted(["bb", "aabb", "bab", "ab", "abbb", "ab", "abbb"])
