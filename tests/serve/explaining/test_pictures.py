"""Pictures are explained as they are predicted: unpacked, and scaled where that is asked for."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from tests.serve.conftest import Caller
from tests.serve.explaining.conftest import Stand
from tests.serve.test_images import INFER, PATH, PIXELS, VALUE, b64, model, packed  # noqa: F401

from aimass.serve.app import App
from aimass.serve.predictor import Served

LARGE = packed(np.full((40, 30, 1), 80, np.uint8))


@pytest.fixture
def stand() -> Stand:
    return Stand({"explanations": []})


@pytest.fixture
def ask(model: Served, stand: Stand) -> Caller:  # noqa: F811
    app = App([model])
    app.explanations.short = stand  # type: ignore[assignment]
    return Caller(app)


def test_beside_a_prediction_the_pixels_are_those_that_were_predicted(ask: Caller, stand: Stand) -> None:
    told = ask("POST", PATH, {"records": [{"image": b64(packed())}], "explain": True}).json
    assert told["predictions"] == [{"value": VALUE}] and stand.asked[0]["records"] == [{"image": PIXELS.tolist()}]
    asked = {"image": b64(LARGE), "explain": True}
    assert ask("POST", PATH, asked, query="resize=true").json["predictions"] == [{"value": 80.0}]
    assert np.unique(stand.asked[1]["records"][0]["image"]).tolist() == [80]


def test_v2_explains_packed_pictures_beside_their_prediction(ask: Caller, stand: Stand) -> None:
    data = [base64.b64encode(packed()).decode()]
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": data}
    tensor["parameters"] = {"content_type": "image/png"}
    told = ask("POST", INFER, {"inputs": [tensor], "parameters": {"explain": True}}).json
    assert told["outputs"][0]["data"] == [VALUE] and told["parameters"]["explain"]["explanations"] == []
    assert stand.asked[0]["columns"] == {"image": [PIXELS.tolist()]}


def test_the_paths_of_explanations_scale_too(ask: Caller, stand: Stand) -> None:
    path = PATH.replace("predict", "explain")
    assert ask("POST", path, {"image": b64(LARGE)}).status == 400
    assert ask("POST", path, {"image": b64(LARGE)}, query="resize=true").status == 200
    assert np.unique(stand.asked[0]["records"][0]["image"]).tolist() == [80]
