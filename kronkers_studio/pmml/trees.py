"""Decision trees. https://dmg.org/pmml/v4-4-1/TreeModel.html"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kronkers_studio.pmml.columns import Array, objects
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.forest import NO_ANSWER, STUCK, Forest
from kronkers_studio.pmml.frames import FieldType, Frame, Scope
from kronkers_studio.pmml.predicates import Predicate, read_predicate
from kronkers_studio.pmml.results import Result

_MOST_SHARES = 20_000_000
_STRATEGIES = ("none", "lastPrediction", "nullPrediction", "defaultChild")
_OPPOSITES = {
    **{"lessThan": "greaterOrEqual", "lessOrEqual": "greaterThan", "equal": "notEqual", "isMissing": "isNotMissing"},
    **{"greaterOrEqual": "lessThan", "greaterThan": "lessOrEqual", "notEqual": "equal", "isNotMissing": "isMissing"},
}


@dataclass(slots=True)
class Answers:
    """What the answers of trees say, by their numbers: ``scores`` as they are written (None: none), ``shares`` of the
    classes, ``ids`` of the nodes."""

    scores: list[str | None] = field(default_factory=lambda: [None, None])
    shares: list[dict[str, float]] = field(default_factory=lambda: [{}, {}])
    ids: list[str | None] = field(default_factory=lambda: [None, None])

    def add(self, node: Element) -> None:
        shares = _shares(node)
        score = node.get("score") if node.has("score") else max(shares, key=lambda name: shares[name], default=None)
        self.scores.append(score)
        self.shares.append(shares)
        self.ids.append(node.get("id") or None)

    def numbers(self, model: Element) -> Array:
        """The scores as numbers; NaN for none. Raises ``Unevaluated``."""
        return np.array([math.nan if score is None else model.as_number(score) for score in self.scores])

    def classes(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Every class that is named, those that are ``known`` in their order."""
        named = dict.fromkeys(name for shares in self.shares for name in shares)
        named |= dict.fromkeys(score for score in self.scores if score is not None)
        return (*(name for name in known if name in named), *(name for name in named if name not in known))

    def weights(self, classes: tuple[str, ...], model: Element) -> Array:
        """The shares of ``classes`` by answer; where none are told, all is the score's. NaN for no answer. Raises
        ``Unevaluated`` for more than any model's."""
        if len(self.scores) * len(classes) > _MOST_SHARES:
            model.refuse(f"it has more than {_MOST_SHARES:,} shares of classes")
        table = np.full((len(self.scores), len(classes)), math.nan)
        for place, (score, shares) in enumerate(zip(self.scores, self.shares, strict=True)):
            if score is not None:
                told = shares or {score: 1.0}
                table[place] = [told.get(name, 0.0) for name in classes]
        return table

    @property
    def tells_shares(self) -> bool:
        return any(self.shares)


def _shares(node: Element) -> dict[str, float]:
    told = node.all("ScoreDistribution")
    if not told:
        return {}
    if all(each.has("probability") for each in told):
        return {each.need("value"): each.number("probability") for each in told}
    counts = {each.need("value"): each.number("recordCount") for each in told}
    total = sum(counts.values())
    if min(counts.values()) < 0:
        node.refuse("a count of records is less than 0")
    return {name: count / total for name, count in counts.items()} if total > 0 else {}


def tree_model(
    element: Element, scope: Scope, target: FieldType | None
) -> tuple[Callable[[Frame], Result], tuple[str, ...], bool]:
    """What answers rows, the classes, and whether their probabilities are told. Raises ``Unevaluated``."""
    forest, answers = Forest(scope), Answers()
    add_tree(element, scope, forest, answers)
    ids = objects(answers.ids)
    if element.choice("functionName", ("regression", "classification")) == "regression":
        numbers = answers.numbers(element)

        def predict(frame: Frame) -> Result:
            at = forest.walk(frame)[:, 0]
            return Result(numbers[at], entities=ids[at])

        return predict, (), False
    classes = answers.classes(target.values if target else ())
    weights, labels = answers.weights(classes, element), objects(answers.scores)

    def classify(frame: Frame) -> Result:
        at = forest.walk(frame)[:, 0]
        return Result(classes=classes, weights=weights[at], labels=labels[at], entities=ids[at])

    return classify, classes, answers.tells_shares


def add_tree(element: Element, scope: Scope, forest: Forest, answers: Answers) -> None:
    """Put the tree of a ``TreeModel`` into ``forest``, and what it answers into ``answers``. Raises ``Unevaluated``."""
    element.choice("splitCharacteristic", ("binarySplit", "multiSplit"), "multiSplit")
    _Tree(
        forest,
        answers,
        scope,
        element.choice("missingValueStrategy", _STRATEGIES, "none"),
        element.choice("noTrueChildStrategy", ("returnNullPrediction", "returnLastPrediction"), "returnNullPrediction")
        == "returnLastPrediction",
    ).add(element.one("Node"))


class _Tree:
    """Puts one tree into a forest, from the last node to the first: where a node goes on is known before itself."""

    def __init__(self, forest: Forest, answers: Answers, scope: Scope, strategy: str, returns_last: bool) -> None:
        self._forest = forest
        self._answers = answers
        self._scope = scope
        self._strategy = strategy
        self._returns_last = returns_last
        self._own: dict[int, int] = {}
        self._inherited: dict[int, int] = {}
        self._entry: dict[int, int] = {}

    def add(self, root: Element) -> None:
        order: list[Element] = []
        waiting = [(root, NO_ANSWER)]
        while waiting:
            node, above = waiting.pop()
            order.append(node)
            if node.has("score") or node.first("ScoreDistribution") is not None:
                self._answers.add(node)
                self._own[id(node)] = self._forest.answer()
            self._inherited[id(node)] = self._own.get(id(node), above)
            waiting.extend((child, self._inherited[id(node)]) for child in node.all("Node"))
        for node in reversed(order):
            self._entry[id(node)] = self._entered(node)
        none = -1 - NO_ANSWER
        first = read_predicate(root, self._scope)
        self._forest.root(self._forest.test(first, (none, self._entry[id(root)], none)))

    def _entered(self, node: Element) -> int:
        """Where it goes on once ``node`` was found true."""
        children = node.all("Node")
        if not children:
            return -1 - self._own.get(id(node), NO_ANSWER)
        last = -1 - self._inherited[id(node)]
        following = last if self._returns_last else -1 - NO_ANSWER
        unknown = self._on_unknown(node, children, last)
        after: Predicate | None = None
        true_after = following
        for child in reversed(children):
            predicate = read_predicate(child, self._scope)
            entry = self._entry[id(child)]
            on_false = true_after if after is not None and _follows(predicate, after) else following
            place = self._forest.test(predicate, (on_false, entry, following if unknown is None else unknown))
            after, true_after, following = predicate, entry, place
        return following

    def _on_unknown(self, node: Element, children: list[Element], last: int) -> int | None:
        match self._strategy:
            case "none":
                return None
            case "lastPrediction":
                return last
            case "nullPrediction":
                return -1 - NO_ANSWER
        if not node.has("defaultChild"):
            return -1 - STUCK
        wanted = node.get("defaultChild")
        chosen = [child for child in children if child.get("id") == wanted]
        if len(chosen) != 1:
            node.refuse(f"its default child “{wanted[:60]}” is not one of its children")
        return self._entry[id(chosen[0])]


def _follows(predicate: Predicate, after: Predicate) -> bool:
    """Whether ``after`` is true wherever ``predicate`` is false."""
    if after.always is not None:
        return after.always
    one, other = predicate.comparison, after.comparison
    return (
        one is not None
        and other is not None
        and (one.field, one.value) == (other.field, other.value)
        and _OPPOSITES[one.operator] == other.operator
    )
