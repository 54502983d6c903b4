"""The counts of what came in, as time series of Prometheus and as the workstation reads them.

Counters only: those of replicas are added to each other, and a restart begins anew, as ``increase()`` expects it.
"""

from __future__ import annotations

from typing import Any

from kronkers_studio.serving.metrics.feature_counts import Counted, FeatureCounts

_ROWS, _ANSWERS = "kronkers_feature_rows_total", "kronkers_prediction_rows_total"


def feature_series(features: FeatureCounts, *, counts: bool = True) -> bytes:
    """The series in Prometheus' text format, those of bins that are empty too: an increase needs a beginning. Without
    ``counts`` only the one that names the profile."""
    lines = [
        "# HELP kronkers_statistics_info The reference profile whose bins rows are counted in.",
        "# TYPE kronkers_statistics_info gauge",
        f'kronkers_statistics_info{{profile="{features.digest}"}} 1',
        *(_all_counts(features) if counts else ()),
    ]
    return "\n".join([*lines, ""]).encode()


def _all_counts(features: FeatureCounts) -> list[str]:
    features.flush()
    lines = [
        f"# HELP {_ROWS} Rows answered, by where a feature's value lies in the reference profile.",
        f"# TYPE {_ROWS} counter",
    ]
    for feature in features.features:
        begin = f'{_ROWS}{{feature="{_escaped(feature.bins.name)}",bin="'
        lines += _counted(begin, feature)
    if features.answers is not None:
        lines += [
            f"# HELP {_ANSWERS} Rows answered, by where the answer lies in the reference profile.",
            f"# TYPE {_ANSWERS} counter",
            *_counted(f'{_ANSWERS}{{bin="', features.answers),
        ]
    return lines


def feature_statistics(features: FeatureCounts) -> dict[str, Any]:
    """The digest of the profile, and the counts in the order of its bins."""
    features.flush()
    answers = features.answers
    return {
        "profile": features.digest,
        "features": [{"name": one.bins.name, "counts": one.counts.tolist()} for one in features.features],
        "answers": None if answers is None else answers.counts.tolist(),
    }


def _counted(begin: str, counted: Counted) -> list[str]:
    pairs = zip(counted.bins.labels, counted.counts.tolist(), strict=True)
    return [f'{begin}{label}"}} {number}' for label, number in pairs]


def _escaped(name: str) -> str:
    return name.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
