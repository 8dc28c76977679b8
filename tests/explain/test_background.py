"""The rows that a served model is explained against."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.explain.conftest import OUTPUTS, numbers

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.explain.background import background_of
from aimass.prepare.background import save_background

SIGNATURE = Signature("binary", "y", numbers(2).rows, (), OUTPUTS)


def test_the_rows_that_prepare_kept_come_before_those_of_the_sample(tmp_path: Path) -> None:
    (tmp_path / "sample.json").write_text(json.dumps([{"x0": 1.0, "x1": None}]))
    found = background_of(tmp_path, SIGNATURE)
    assert found["x0"].tolist() == [1.0] and np.isnan(found["x1"]).all()
    save_background(tmp_path, {"x0": np.arange(5.0), "x1": np.ones(5)}, SIGNATURE.rows)
    assert background_of(tmp_path, SIGNATURE)["x0"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '[{"x0": 1}]'])
def test_without_rows_there_is_nothing_to_explain_against(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "sample.json").write_text(text)
    with pytest.raises(InputError) as caught:
        background_of(tmp_path, SIGNATURE)
    assert caught.value.expected
