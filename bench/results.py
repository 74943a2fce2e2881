"""Samples of one run, and the figures that are made of them: medians, spreads and ratios to nginx."""

import statistics
from collections.abc import Iterable

import msgspec

REFERENCE = "nginx"
DIRECT = "direct"


class Sample(msgspec.Struct, frozen=True):
    """What one cell measured in one round."""

    scenario: str
    cell: str
    round: int
    values: dict[str, float]


class Spread(msgspec.Struct, frozen=True):
    """The median over the rounds, and the extremes."""

    median: float
    low: float
    high: float

    @property
    def percent(self) -> float:
        return (self.high - self.low) / self.median * 100 if self.median else 0.0


class Figure(msgspec.Struct, frozen=True):
    """One measured quantity of one cell; its ratio compares it with nginx in the same round."""

    scenario: str
    cell: str
    metric: str
    value: Spread
    ratio: Spread | None = None


def figures_of(samples: list[Sample]) -> list[Figure]:
    """The figures of a run, in the order of its samples."""
    samples = [with_added(sample, samples) for sample in samples]
    grouped: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        for metric in sample.values:
            grouped.setdefault((sample.scenario, sample.cell, metric), []).append(sample)
    figures: list[Figure] = []
    for (scenario, cell, metric), group in grouped.items():
        reference = {one.round: one.values[metric] for one in grouped.get((scenario, REFERENCE, metric), ())}
        ratios = [one.values[metric] / reference[one.round] for one in group if reference.get(one.round)]
        value = spread_of(one.values[metric] for one in group)
        figures.append(Figure(scenario, cell, metric, value, spread_of(ratios) if ratios else None))
    return figures


def with_added(sample: Sample, samples: list[Sample]) -> Sample:
    """The sample with the latency that was added to the upstream's own, seen in the same round."""
    if sample.cell == DIRECT:
        return sample
    for direct in samples:
        if (direct.scenario, direct.cell, direct.round) == (sample.scenario, DIRECT, sample.round):
            added = {
                f"added_{metric}": sample.values[metric] - direct.values[metric]
                for metric in sample.values
                if metric in direct.values and metric.endswith("_us")
            }
            return Sample(sample.scenario, sample.cell, sample.round, {**sample.values, **added})
    return sample


def spread_of(values: Iterable[float]) -> Spread:
    """Median and extremes."""
    ordered = sorted(values)
    return Spread(statistics.median(ordered), ordered[0], ordered[-1])
