"""Sets of rules. https://dmg.org/pmml/v4-4-1/RuleSet.html"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kronkers_studio.pmml.columns import Array, Kind, blank
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.frames import FieldType, Frame, Scope
from kronkers_studio.pmml.predicates import TRUE, read_predicate
from kronkers_studio.pmml.results import Result

_DEEPEST = 40
_Test = Callable[[Frame], Array]


def rule_set_model(
    element: Element, scope: Scope, target: FieldType | None
) -> tuple[Callable[[Frame], Result], tuple[str, ...]]:
    """What answers rows by the first rule that holds, and the classes. Raises ``Unevaluated``."""
    if element.get("functionName") != "classification":
        element.refuse("rules of a regression are not evaluated")
    holder = element.one("RuleSet")
    criterion = holder.all("RuleSelectionMethod")
    if not criterion or criterion[0].need("criterion") != "firstHit":
        holder.refuse("rules are evaluated by their first hit alone")
    rules = list(_rules(holder, scope, [], 0))
    default = holder.get("defaultScore") if holder.has("defaultScore") else None
    named = dict.fromkeys([score for _, score, _ in rules] + ([default] if default is not None else []))
    known = target.values if target else ()
    classes = (*(name for name in known if name in named), *(name for name in named if name not in known))

    def run(frame: Frame) -> Result:
        labels, entities = blank(Kind.TEXT, frame.rows), blank(Kind.TEXT, frame.rows)
        labels[:] = default
        waiting = np.ones(frame.rows, dtype=bool)
        for tests, score, name in rules:
            at = waiting.copy()
            for test in tests:
                if at.any():
                    at &= test(frame) == TRUE
            labels[at], entities[at] = score, name or None
            waiting &= ~at
        weights = np.stack([np.asarray(labels == each, dtype=np.float64) for each in classes], axis=1)
        weights[np.asarray(labels == None, dtype=bool)] = math.nan  # noqa: E711 — compares each element
        return Result(classes=classes, weights=weights, labels=labels, entities=entities)

    return run, classes


def _rules(holder: Element, scope: Scope, above: list[_Test], level: int) -> list[tuple[list[_Test], str, str]]:
    """Each simple rule with all that must hold for it, in their order."""
    if level > _DEEPEST:
        holder.refuse(f"rules are nested deeper than {_DEEPEST}")
    found: list[tuple[list[_Test], str, str]] = []
    for rule in holder.all("SimpleRule", "CompoundRule"):
        tests = [*above, read_predicate(rule, scope).truth]
        if rule.tag == "SimpleRule":
            found.append((tests, rule.need("score"), rule.get("id")))
        else:
            found.extend(_rules(rule, scope, tests, level + 1))
    return found
