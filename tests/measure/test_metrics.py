"""Metrics: each value is scikit-learn's, each interval holds the truth as often as it says."""

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as reference

from aimass.core.errors import InputError
from aimass.core.part import resolve, table_of
from aimass.measure.base import DEFAULTS, Metric, check_task, default_metric
from aimass.measure.quality import difference

BINARY, FEW, MANY = ("no", "yes"), ("a", "b", "c", "d"), tuple(f"k{i}" for i in range(30))


def metric(name: str) -> Metric:
    return resolve("metric", name).from_settings(name)  # type: ignore[return-value]


def votes(random: np.random.Generator, n: int, k: int, skill: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth [N] and probabilities [N, K] of a model with some SKILL; many equal scores."""
    truth = random.integers(k, size=n)
    logits = np.round(random.normal(size=(n, k)) + skill * np.eye(k)[truth], 1)
    odds = np.exp(logits)
    return truth, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def by_reference(name: str, truth: np.ndarray, p: np.ndarray, k: int) -> float:
    guess = p.argmax(axis=1)
    if name == "roc_auc":
        # sklearn wants each row to sum to 1 in float64
        return reference.roc_auc_score(truth, p[:, 1] if k == 2 else p / p.sum(axis=1, keepdims=True),
                                       multi_class="ovr")  # fmt: skip
    if name == "f1":
        return reference.f1_score(truth, guess, average="binary" if k == 2 else "macro")
    if name == "log_loss":
        return reference.log_loss(truth, p, labels=range(k))
    return reference.accuracy_score(truth, guess)


@pytest.mark.parametrize("classes", [BINARY, FEW, MANY], ids=["2", "4", "30"])
@pytest.mark.parametrize("name", ["roc_auc", "f1", "log_loss", "accuracy"])
def test_a_class_metric_has_the_value_of_scikit_learn(name, classes, signature_of, answer_of) -> None:
    signature = signature_of(*classes)
    truth, p = votes(np.random.default_rng(1), 3000, len(classes), 1.0)
    figure = metric(name).score(truth, answer_of(p, signature), signature)
    assert figure.value == pytest.approx(by_reference(name, truth, p, len(classes)), rel=1e-5)
    assert figure.low < figure.value < figure.high and figure.n == 3000


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("rmse", reference.root_mean_squared_error),
        ("mae", reference.mean_absolute_error),
        ("r2", reference.r2_score),
    ],
)
def test_a_value_metric_has_the_value_of_scikit_learn(name: str, wanted: Callable, signature_of) -> None:
    random = np.random.default_rng(2)
    truth = random.normal(10, 3, size=1000)
    value = (truth + random.standard_t(4, size=1000)).astype(np.float32)
    figure = metric(name).score(truth, {"value": value[:, None]}, signature_of())
    assert figure.value == pytest.approx(wanted(truth, value), rel=1e-6)
    assert figure.low < figure.value < figure.high


def test_a_class_that_never_occurs_is_left_out_of_the_mean(signature_of, answer_of) -> None:
    signature = signature_of("a", "b", "never")
    truth, p = votes(np.random.default_rng(3), 500, 2, 1.0)
    p = np.concatenate([p, np.zeros((500, 1), np.float32)], axis=1)
    answer = answer_of(p, signature)
    assert metric("f1").score(truth, answer, signature).value == pytest.approx(
        reference.f1_score(truth, p.argmax(axis=1), average="macro")
    )
    parts = [reference.roc_auc_score(truth == k, p[:, k]) for k in (0, 1)]
    assert metric("roc_auc").score(truth, answer, signature).value == pytest.approx(np.mean(parts))


def coverage(name: str, draw: Callable, population: int, n: int, times: int, signature) -> float:
    """How often the interval from N rows holds the value of a POPULATION of many rows."""
    random = np.random.default_rng(11)
    exact = metric(name).score(*draw(random, population), signature).value
    held = 0
    for _ in range(times):
        figure = metric(name).score(*draw(random, n), signature)
        held += figure.low <= exact <= figure.high
    return held / times


@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "f1", "log_loss"])
@pytest.mark.parametrize(("classes", "skill"), [(BINARY, 1.0), (BINARY, 4.0), (FEW, 2.0)])
def test_an_interval_of_a_class_metric_holds_the_truth(name, classes, skill, signature_of, answer_of) -> None:
    signature = signature_of(*classes)

    def draw(random: np.random.Generator, n: int) -> tuple:
        truth, p = votes(random, n, len(classes), skill)
        return truth, answer_of(p, signature)

    assert coverage(name, draw, 50_000, 300, 250, signature) >= 0.91  # 0.95 less three standard errors


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_an_interval_of_a_value_metric_holds_the_truth(name: str, signature_of) -> None:
    def draw(random: np.random.Generator, n: int) -> tuple:
        truth = random.normal(size=n)
        return truth, {"value": truth + random.laplace(scale=0.5, size=n)}

    assert coverage(name, draw, 400_000, 300, 250, signature_of()) >= 0.91


@pytest.mark.parametrize("classes", [BINARY, FEW], ids=["2", "4"])
@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "f1"])
def test_a_perfect_score_still_leaves_room_for_doubt(name, classes, signature_of, answer_of) -> None:
    signature = signature_of(*classes)
    truth = np.arange(40) % len(classes)
    figure = metric(name).score(truth, answer_of(np.eye(len(classes))[truth], signature), signature)
    assert figure.value == figure.high == 1.0 and 0.5 < figure.low < 0.99


def test_delongs_interval_of_many_rows_takes_no_square_of_memory(signature_of, answer_of) -> None:
    signature = signature_of(*BINARY)
    truth, p = votes(np.random.default_rng(5), 300_000, 2, 1.0)
    figure = metric("roc_auc").score(truth, answer_of(p, signature), signature)
    assert 0.001 < figure.high - figure.low < 0.005


@pytest.mark.parametrize("positives", [1, 2, 4, 8])
def test_few_rows_of_a_class_leave_an_auc_that_uncertain(positives: int, signature_of, answer_of) -> None:
    signature, random, held = signature_of(*BINARY), np.random.default_rng(12), 0
    true = 0.8556  # two normal scores 1.5 apart: Phi(1.5 / sqrt(2))
    for _ in range(200):
        truth = np.r_[np.ones(positives, int), np.zeros(200, int)]
        chance = 1 / (1 + np.exp(-random.normal(1.5 * truth)))
        figure = metric("roc_auc").score(truth, answer_of(np.stack([1 - chance, chance], 1), signature), signature)
        held += figure.low <= true <= figure.high
    assert held / 200 >= 0.91


def test_one_rare_class_of_many_widens_the_interval_of_the_mean_by_its_share(signature_of, answer_of) -> None:
    signature, random = signature_of(*FEW), np.random.default_rng(13)
    truth, p = votes(random, 400, 4, 1.0)
    truth[truth == 3] = np.where(np.arange((truth == 3).sum()) < 2, 3, 0)
    figure = metric("roc_auc").score(truth, answer_of(p, signature), signature)
    assert 0.15 < figure.high - figure.low < 0.6


@pytest.mark.parametrize("name", table_of("metric"))
def test_the_value_alone_is_the_value_of_the_figure(name: str, signature_of, answer_of) -> None:
    for classes in [()] if "regression" in metric(name).tasks else [BINARY, FEW]:
        truth, p = votes(np.random.default_rng(14), 300, len(classes) or 2, 1.0)
        signature = signature_of(*classes)
        answer = answer_of(p, signature) if classes else {"value": p[:, 0]}
        assert metric(name).value(truth, answer, signature) == metric(name).score(truth, answer, signature).value


def test_a_paired_difference_never_asks_for_the_interval(signature_of, answer_of, monkeypatch) -> None:
    signature = signature_of(*FEW)
    truth, p = votes(np.random.default_rng(15), 400, 4, 1.0)
    answer = answer_of(p, signature)
    for name in ("roc_auc", "f1", "accuracy", "log_loss"):
        part = metric(name)
        monkeypatch.setattr(type(part), "score", None)
        assert difference(part, truth, answer, answer, signature).value == 0


def test_the_class_that_f1_is_about_can_be_named(signature_of, answer_of) -> None:
    signature, guess = signature_of("ham", "spam"), np.array([1, 1, 0, 0, 0, 0])
    truth, answer = np.array([1, 0, 1, 0, 0, 0]), answer_of(np.eye(2)[guess], signature)
    ham = Metric.from_settings({"use": "f1", "positive": "ham"})
    assert ham.score(truth, answer, signature).value == pytest.approx(reference.f1_score(truth, guess, pos_label=0))
    with pytest.raises(InputError, match="no class is called 'eggs'"):
        Metric.from_settings({"use": "f1", "positive": "eggs"}).score(truth, answer, signature)


def test_f1_of_one_of_many_classes_is_of_it_against_all_others(signature_of, answer_of) -> None:
    truth, p = votes(np.random.default_rng(16), 400, 4, 1.0)
    figure = Metric.from_settings({"use": "f1", "positive": "c"}).score(
        truth, answer_of(p, signature_of(*FEW)), signature_of(*FEW)
    )
    assert figure.value == pytest.approx(reference.f1_score(truth == 2, p.argmax(axis=1) == 2))
    assert figure.low < figure.value < figure.high


def test_f1_of_two_classes_is_of_the_last_class(signature_of, answer_of) -> None:
    signature = signature_of("ham", "spam")
    guess = np.array([1, 1, 0, 0, 0, 0])
    figure = metric("f1").score(np.array([1, 0, 1, 0, 0, 0]), answer_of(np.eye(2)[guess], signature), signature)
    assert figure.value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "truth", "match"),
    [
        ("roc_auc", [1, 1, 1], "all of one class"),
        ("f1", [0, 0, 0], "no row is, or is called, 'yes'"),
        ("accuracy", [1], "at least 2 test rows"),
    ],
)
def test_a_figure_that_does_not_exist_is_refused(name, truth, match, signature_of, answer_of) -> None:
    signature = signature_of(*BINARY)
    p = np.tile([0.9, 0.1], (len(truth), 1))
    with pytest.raises(InputError, match=match):
        metric(name).score(np.array(truth), answer_of(p, signature), signature)


def test_r2_of_a_constant_target_does_not_exist(signature_of) -> None:
    with pytest.raises(InputError, match="constant"):
        metric("r2").score(np.ones(5), {"value": np.zeros(5)}, signature_of())


@pytest.mark.parametrize("name", ["rmse", "mae"])
def test_a_model_without_error_has_the_figure_zero(name: str, signature_of) -> None:
    figure = metric(name).score(np.arange(5.0), {"value": np.arange(5.0)}, signature_of())
    assert (figure.low, figure.value, figure.high) == (0, 0, 0)


@pytest.mark.parametrize("task", DEFAULTS)
def test_every_task_has_a_default_metric_that_can_score_it(task: str) -> None:
    check_task(metric(default_metric(task)), task)


@pytest.mark.parametrize("name", table_of("metric"))
def test_a_metric_refuses_a_task_it_cannot_score(name: str) -> None:
    part = metric(name)
    other = "binary" if "regression" in part.tasks else "regression"
    with pytest.raises(InputError, match=f"{name} cannot score a {other} task"):
        check_task(part, other)


@pytest.mark.parametrize("name", table_of("metric"))
def test_the_same_answers_give_the_same_figure(name: str, signature_of, answer_of) -> None:
    random = np.random.default_rng(6)
    classes = () if "regression" in metric(name).tasks else FEW
    truth, p = votes(random, 400, 4, 1.0)
    answer = answer_of(p, signature_of(*classes)) if classes else {"value": p[:, 0]}
    assert metric(name).score(truth, answer, signature_of(*classes)) == metric(name).score(
        truth, answer, signature_of(*classes)
    )
