"""How sure a figure is: 95 % intervals of proportions, means, quantiles and ratios.  Pure functions on numbers."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from aimass.measure.base import Figure

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)  # 1.96


def wilson(share: float, n: float) -> tuple[float, float]:
    """Interval of a proportion SHARE of N trials (Wilson 1927); inside 0..1, and never empty."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # Rounding must not put a perfect score outside its own interval.
    return min(share, max(0.0, float(middle - half))), max(share, min(1.0, float(middle + half)))


def logit_interval(share: float, error: float) -> tuple[float, float]:
    """Interval of a SHARE strictly between 0 and 1 with standard ERROR, computed on the logit scale."""
    at, half = np.log(share / (1 - share)), Z * error / (share * (1 - share))
    return float(1 / (1 + np.exp(half - at))), float(1 / (1 + np.exp(-half - at)))


def quantile_ranks(n: int, q: float, confidence: float = CONFIDENCE) -> tuple[int | None, int | None]:
    """1-based ranks (low, high) of the order statistics that hold the Q-quantile of N independent samples.

    Exact binomial tails, no distribution assumed (David & Nagaraja 2003, section 7.1): with 1000 samples the
    99th percentile lies between ranks 983 and 997.  None where no sample bounds it: below 299 samples even the
    largest lies under the 99th percentile more often than one time in twenty.
    """
    tail = (1 - confidence) / 2
    below = _binomial_cdf(n, q)  # below[k] = P(at most k samples lie under the quantile)
    at_least = 1 - np.concatenate(([0.0], below))[: n + 1]  # at_least[k] = P(at least k samples lie under it)
    at_least[n] = q**n
    low = int(np.searchsorted(below, tail, side="right"))
    reaching = np.flatnonzero(at_least <= tail)
    if reaching.size:
        return low or None, int(reaching[0])
    if q**n > 2 * tail:
        return low or None, None
    # The largest sample takes more than its half of the 5 %; the lower side keeps what is left.
    return int(np.searchsorted(below, 2 * tail - q**n, side="right")) or None, n


def _binomial_cdf(n: int, q: float) -> np.ndarray:
    """P(X <= k) for k = 0..n of a binomial(N, Q)."""
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    k = np.arange(n + 1)
    log_mass = log_factorial[n] - log_factorial[k] - log_factorial[n - k] + k * np.log(q) + (n - k) * np.log1p(-q)
    return np.asarray(np.minimum(np.cumsum(np.exp(log_mass)), 1.0))


def quantile_figure(samples: np.ndarray, q: float) -> Figure:
    """The Q-quantile of SAMPLES (the order statistic, not an interpolation) between its two bounding ranks."""
    ordered, n = np.sort(np.asarray(samples, dtype=np.float64)), len(samples)
    low, high = quantile_ranks(n, q)
    value = float(ordered[max(int(np.ceil(q * n)) - 1, 0)])
    least = None if low is None else float(ordered[low - 1])
    most = None if high is None else float(ordered[high - 1])
    missing = [side for side, bound in (("lower", least), ("upper", most)) if bound is None]
    reason = f"no {' and no '.join(missing)} bound is estimable from {n} samples" if missing else ""
    return Figure(value, least, most, n, reason)


STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571}  # where the series below is off by more than 0.1 %


def student(freedom: int) -> float:
    """97.5 % point of Student's t: tabled for few degrees of freedom, else Abramowitz & Stegun 26.7.5."""
    if freedom in STUDENT:
        return STUDENT[freedom]
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
    )
    return float(Z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms)))


def ratio_figure(candidate: list[np.ndarray], baseline: list[np.ndarray], *, draws: int = 2000) -> Figure:
    """Geometric mean of candidate / baseline over paired blocks; below 1 means faster.

    CANDIDATE, BASELINE: for each process the medians of its blocks [B], the same blocks of time side by side.
    Bootstrap in two levels (Davison & Hinkley 1997, section 3.8), processes and then blocks within them, because
    the blocks of one process share its luck with memory.  `n` counts the pairs.  One process has no bounds: nothing
    says how much another would differ.
    """
    logs = [np.log(c / b) for c, b in zip(candidate, baseline, strict=True)]
    count, random = len(logs), np.random.default_rng(0)
    centre, means = float(np.mean([block.mean() for block in logs])), np.empty(draws)
    pairs = sum(len(block) for block in logs)
    if count < 2:
        return Figure(float(np.exp(centre)), None, None, pairs, "no bound is estimable from one process")
    for i in range(draws):
        drawn = [logs[p] for p in random.integers(count, size=count)]
        means[i] = np.mean([block[random.integers(len(block), size=len(block))].mean() for block in drawn])
    # Few processes drawn from themselves vary too little: by (P - 1) / P, and as if their spread were known.
    widen = np.sqrt(count / (count - 1)) * student(count - 1) / Z
    low, high = centre + widen * (np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) - centre)
    return Figure(float(np.exp(centre)), float(np.exp(low)), float(np.exp(high)), pairs)
