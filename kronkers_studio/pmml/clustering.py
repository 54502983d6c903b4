"""Clusters around centres. https://dmg.org/pmml/v4-4-1/ClusteringModel.html"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kronkers_studio.pmml.columns import Array, objects
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import numbers_of
from kronkers_studio.pmml.frames import Frame, Scope
from kronkers_studio.pmml.predicates import numbers_in
from kronkers_studio.pmml.results import Result

_METRICS = ("euclidean", "squaredEuclidean", "cityBlock", "chebychev", "minkowski")


def clustering_model(element: Element, scope: Scope) -> tuple[Callable[[Frame], Result], tuple[str, ...]]:
    """What tells each row's nearest cluster, and the clusters: by their ids, or by their numbers from 1. Raises
    ``Unevaluated``."""
    element.choice("modelClass", ("centerBased",))
    measure = element.one("ComparisonMeasure")
    measure.choice("kind", ("distance",))
    usual = measure.choice("compareFunction", ("absDiff", "delta", "equal"), "absDiff")
    metric = measure.one(*_METRICS)
    power = metric.number("p-parameter") if metric.tag == "minkowski" else 2.0
    if power <= 0:
        metric.refuse("its power is not above 0")
    fields = [each for each in element.all("ClusteringField") if each.flag("isCenterField", True)]
    if not fields:
        element.refuse("it names no fields")
    compare = [each.choice("compareFunction", ("absDiff", "delta", "equal"), usual) for each in fields]
    weights = np.array([each.number("fieldWeight", 1.0) for each in fields])
    values = [numbers_of(each.need("field"), scope, each) for each in fields]
    adjusted = _adjustments(element, len(fields))
    clusters = element.all("Cluster")
    centres = [numbers_in(each.one("Array")) for each in clusters]
    if not clusters or any(len(each) != len(fields) for each in centres):
        element.refuse("its clusters do not have a number for each field")
    names = tuple(each.get("id", str(place)) for place, each in enumerate(clusters, 1))
    if len(set(names)) < len(names):
        element.refuse("two clusters have the same id")

    def run(frame: Frame) -> Result:
        given = np.stack([each(frame) for each in values], axis=1)
        missing = np.isnan(given)
        scale = adjusted.sum() / np.where(missing, 0.0, adjusted).sum(axis=1).clip(min=1e-300)
        distances = np.stack(
            [_distance(given, centre, compare, weights, metric.tag, power, scale) for centre in centres], axis=1
        )
        labels = objects(list(names))[distances.argmin(axis=1)]
        labels[missing.all(axis=1)] = None
        return Result(classes=names, weights=-distances, labels=labels, entities=labels)

    return run, names


def _adjustments(element: Element, width: int) -> Array:
    holder = element.first("MissingValueWeights")
    found = np.ones(width) if holder is None else numbers_in(holder.one("Array"))
    if len(found) != width or not (found >= 0).all() or not found.sum() > 0:
        element.refuse("its weights of missing values do not fit its fields")
    return found


def _distance(
    given: Array, centre: Array, compare: list[str], weights: Array, metric: str, power: float, scale: Array
) -> Array:
    differences = np.abs(given - centre)
    for place, function in enumerate(compare):
        if function != "absDiff":
            apart = (differences[:, place] > 0).astype(np.float64)
            differences[:, place] = np.where(
                np.isnan(differences[:, place]), math.nan, apart if function == "delta" else 1 - apart
            )
    differences = np.where(np.isnan(differences), 0.0, differences)
    match metric:
        case "cityBlock":
            return np.asarray((weights * differences).sum(axis=1) * scale)
        case "chebychev":
            return np.asarray((weights * differences).max(axis=1) * scale)
        case "minkowski":
            return np.asarray(((weights * differences**power).sum(axis=1) * scale) ** (1 / power))
    squared = (weights * differences**2).sum(axis=1) * scale
    return np.asarray(squared if metric == "squaredEuclidean" else np.sqrt(squared))
