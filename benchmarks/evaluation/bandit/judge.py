"""Judges exploration by a folder with the log of a uniform policy."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.evaluation.bandit.estimators import click_rate, effective_size, estimate
from benchmarks.evaluation.bandit.impressions import read_uniform
from benchmarks.evaluation.bandit.thompson import predict


def judge_bandit(folder: Path, seed: int) -> dict[str, Any]:
    """The figures of `sightline bench bandit --json`; the same for the same seed. Raises UnreadableLog.

    `value`, `low` and `high` are doubly robust: propensities are known, so that it has no bias however wrong the
    expected click rates are, and no division by a random sum as self-normalisation has.
    """
    log, others = read_uniform(folder)
    said = predict(log, seed)
    found = estimate(log, said, seed)
    uniform = found.pop("logged")
    return {
        **asdict(found["doubly_robust"]),
        "uniform": uniform.value,
        "uniform_low": uniform.low,
        "uniform_high": uniform.high,
        **{name: asdict(each) for name, each in found.items()},
        "other_policies": {name: asdict(click_rate(each, seed)) for name, each in others.items()},
        "impressions": len(log.clicks),
        "clicks": int(log.clicks.sum()),
        "effective_impressions": effective_size(log, said),
        "seed": seed,
    }
