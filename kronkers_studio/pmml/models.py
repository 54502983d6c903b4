"""A model of a document, made ready: its fields, what answers, its targets and what it gives out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kronkers_studio.pmml.calls import Calls
from kronkers_studio.pmml.clustering import clustering_model
from kronkers_studio.pmml.columns import KINDS, Column
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import Compiler, typed
from kronkers_studio.pmml.frames import Field, FieldType, Frame, Scope
from kronkers_studio.pmml.general_regression import general_regression_model
from kronkers_studio.pmml.mining import (
    METHODS,
    Member,
    Members,
    chain,
    of_members,
    of_trees,
    require_method,
    sum_of_numbers,
    vote,
)
from kronkers_studio.pmml.naive_bayes import naive_bayes_model
from kronkers_studio.pmml.neural_network import neural_network
from kronkers_studio.pmml.outputs import OutputField, ToldOf, given_out, read_outputs
from kronkers_studio.pmml.predicates import read_predicate
from kronkers_studio.pmml.regression import regression_model
from kronkers_studio.pmml.results import Result
from kronkers_studio.pmml.rule_set import rule_set_model
from kronkers_studio.pmml.schema import DataField, MiningField, mining_scope, read_mining_schema
from kronkers_studio.pmml.scorecard import scorecard_model
from kronkers_studio.pmml.support_vectors import support_vector_machine
from kronkers_studio.pmml.targets import read_target, shown_values
from kronkers_studio.pmml.trees import tree_model
from kronkers_studio.pmml.vocabulary import MODELS

_DEEPEST = 12  # models in models
_BOTH = ("regression", "classification")
_FUNCTIONS = {**dict.fromkeys(MODELS, _BOTH), "ClusteringModel": ("clustering",)}
Run = Callable[[Frame], Result]


@dataclass(frozen=True, slots=True)
class Document:
    """What all models of a document share. ``derived`` are its own derived fields, by their names."""

    dictionary: Mapping[str, DataField]
    compiler: Compiler
    derived: Mapping[str, Element]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is ready. ``answer`` takes a frame of what lies around it and gives its result, and every output
    field."""

    schema: Mapping[str, MiningField]
    told: ToldOf
    target: str
    outputs: tuple[OutputField, ...]
    answer: Callable[[Frame], tuple[Result, dict[str, Column]]]


def read_shared(root: Element, dictionary: Mapping[str, DataField]) -> Document:
    """The functions and derived fields of the document. Raises ``Unevaluated``."""
    holder = root.first("TransformationDictionary")
    functions: dict[str, Element] = {}
    for element in holder.all("DefineFunction") if holder else ():
        name = element.need("name")
        if name in functions:
            element.refuse(f"the function “{name[:60]}” is there twice")
        functions[name] = element
    derived = _named(holder.all("DerivedField") if holder else [])
    return Document(dictionary, Compiler(Calls(functions)), derived)


def _named(elements: list[Element]) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for element in elements:
        name = element.need("name")
        if name in found:
            element.refuse(f"the field “{name[:60]}” is there twice")
        found[name] = element
    return found


def read_model(document: Document, element: Element, outer: Scope, level: int = 0) -> Model:
    """The model in ``element``, whose fields come from ``outer``. Raises ``Unevaluated``."""
    if level > _DEEPEST:
        element.refuse(f"models are nested deeper than {_DEEPEST}")
    if not element.flag("isScorable", True):
        element.refuse("it says that it cannot be scored")
    schema = read_mining_schema(element, document.dictionary, outer)
    local = element.first("LocalTransformations")
    derived = _named(local.all("DerivedField") if local else [])
    if level == 0:
        derived = {**document.derived, **derived}
    seen = derived
    if level and any(used.changes for used in schema.values()):  # what the document derives is derived of these values
        seen = {**{name: each for name, each in document.derived.items() if name not in schema}, **derived}
    scope = mining_scope(schema, document.dictionary, outer, top=level == 0)
    scope.find_with(_Derived(seen, document.compiler, scope))
    targets = [name for name, used in schema.items() if used.usage == "target"]
    if len(targets) > 1:
        element.one("MiningSchema").refuse("it has several targets, and a model here answers one")
    target = next(iter(targets), "")
    data = document.dictionary.get(target)
    run, told = _answers(document, element, scope, data.type if data else None, level)
    if data is not None:
        told = replace(told, shown=dict(zip(data.values, data.shown, strict=True)))
    told = replace(told, shown=told.shown | shown_values(element))
    finish = read_target(element, target)
    outputs = read_outputs(element, scope, document.compiler, told)
    _require_derived(derived, scope)

    def answer(frame: Frame) -> tuple[Result, dict[str, Column]]:
        inner = Frame(scope, frame.rows, frame)
        for name, used in schema.items():
            if level == 0 and used.usage == "active":
                inner.column(name)  # what the schema refuses is refused, also where no predicate looks at it
        result = finish(run(inner))
        return result, given_out(outputs, inner, result)

    return Model(schema, told, target, outputs, answer)


class _Derived:
    """Makes derived fields ready when they are asked for; one that leads to itself is refused."""

    def __init__(self, elements: Mapping[str, Element], compiler: Compiler, scope: Scope) -> None:
        self._elements = elements
        self._compiler = compiler
        self._scope = scope
        self._under_way: set[str] = set()

    def __call__(self, name: str) -> Field | None:
        element = self._elements.get(name)
        if element is None:
            return None
        if name in self._under_way:
            element.refuse(f"the field “{name[:60]}” is derived from itself")
        if len(self._under_way) > _MOST_UNDER_WAY:
            element.refuse(f"more than {_MOST_UNDER_WAY} fields are derived one from the other")
        self._under_way.add(name)
        expression = self._compiler.inside(element, self._scope)
        self._under_way.discard(name)
        data_type = element.choice("dataType", tuple(KINDS))
        values = tuple(value.need("value") for value in element.all("Value"))
        run = typed(expression, data_type, name)
        return Field(FieldType(data_type, element.get("optype"), values), run, expression.depth + 1)


_MOST_UNDER_WAY = 60


def _require_derived(derived: Mapping[str, Element], scope: Scope) -> None:
    """Also what nothing asks for must be something that is evaluated."""
    for name, element in derived.items():
        if scope.own(name) is None:
            element.refuse(f"the field “{name[:60]}” cannot be derived")


def _answers(
    document: Document, element: Element, scope: Scope, target: FieldType | None, level: int
) -> tuple[Run, ToldOf]:
    function = element.choice("functionName", _FUNCTIONS[element.tag])
    match element.tag:
        case "TreeModel":
            run, classes, tells = tree_model(element, scope, target)
        case "RegressionModel":
            run, classes = regression_model(element, scope, target)
            tells = bool(classes)
        case "Scorecard":
            run, classes, tells = scorecard_model(element, scope, document.compiler), (), False
        case "MiningModel":
            return _mining(document, element, scope, target, level)
        case _:
            run, classes, tells = _other(document, element, scope, target)
    return run, ToldOf(function, classes, tells, {}, {})


def _other(
    document: Document, element: Element, scope: Scope, target: FieldType | None
) -> tuple[Run, tuple[str, ...], bool]:
    """A model of one of the rarer kinds, its classes, and whether it tells their probabilities."""
    match element.tag:
        case "GeneralRegressionModel":
            run, classes = general_regression_model(element, scope, target)
            return run, classes, True
        case "NeuralNetwork":
            run, classes = neural_network(element, scope, document.compiler)
            return run, classes, True
        case "NaiveBayesModel":
            run, classes = naive_bayes_model(element, scope, document.compiler)
            return run, classes, True
        case "SupportVectorMachineModel":
            run, classes = support_vector_machine(element, scope)
        case "RuleSetModel":
            run, classes = rule_set_model(element, scope, target)
        case "ClusteringModel":
            run, classes = clustering_model(element, scope)
        case _:
            element.refuse(f"{element.tag} is not evaluated yet")
    return run, classes, False


def _mining(
    document: Document, element: Element, scope: Scope, target: FieldType | None, level: int
) -> tuple[Run, ToldOf]:
    function = element.get("functionName")
    segmentation = element.one("Segmentation")
    method = segmentation.choice("multipleModelMethod", METHODS)
    require_method(segmentation, method, function)
    on_missing = segmentation.choice(
        "missingPredictionTreatment", ("continue", "skipSegment", "returnMissing"), "continue"
    )
    segments = segmentation.all("Segment")
    if not segments:
        segmentation.refuse("it has no segments")
    if method not in ("selectFirst", "modelChain") and all(_is_plain_tree(segment, function) for segment in segments):
        models = [(segment.number("weight", 1.0), segment.one("TreeModel")) for segment in segments]
        for _, model in models:
            read_mining_schema(model, document.dictionary, scope)
        members, classes, tells = of_trees(models, scope, target, function, element)
        told = ToldOf(function, classes, tells or method.endswith("ajorityVote"), {}, {})
        return _combined(method, members, classes, on_missing), told
    made = [_member(document, segment, place, scope, level, method) for place, segment in enumerate(segments, 1)]
    classes = tuple(dict.fromkeys(name for _, model in made for name in model.told.classes))
    if target is not None:
        classes = (*(c for c in target.values if c in classes), *(c for c in classes if c not in target.values))
    last = made[-1][1].told
    if method in ("selectFirst", "modelChain"):
        kept = {member.id: model.told for member, model in made}
        functions = {model.told.function for member, model in made if not member.predicate.always} | {last.function}
        if method == "modelChain" and all(member.predicate.always for member, _ in made):
            classes, tells = last.classes, last.tells_shares
        else:
            tells = all(model.told.tells_shares for _, model in made)
        if functions != {function}:
            segmentation.refuse(f"it is said to be a {function}, and its segments are not")
        run = chain([member for member, _ in made], first_only=method == "selectFirst")
        return run, ToldOf(function, classes, tells, {}, kept)
    if {model.told.function for _, model in made} != {function}:
        segmentation.refuse(f"it is said to be a {function}, and its segments are not")
    tells = method.endswith("ajorityVote") or all(model.told.tells_shares for _, model in made)
    run = _combined(method, of_members([member for member, _ in made]), classes, on_missing)
    return run, ToldOf(function, classes, tells, {}, {})


def _combined(method: str, members: Members, classes: tuple[str, ...], on_missing: str) -> Run:
    if classes:
        return vote(method, members, classes, on_missing)
    return sum_of_numbers(method, members, on_missing)


def _is_plain_tree(segment: Element, function: str) -> bool:
    """Whether a segment is for every row, and its tree sees the fields as the model around it does."""
    tree = segment.first("TreeModel")
    if tree is None or segment.first("True") is None or tree.get("functionName") != function:
        return False
    if not tree.flag("isScorable", True) or tree.first("Output", "Targets", "LocalTransformations") is not None:
        return False
    plain = ("name", "usageType", "optype", "importance")
    return all(field.has_only(plain) for field in tree.one("MiningSchema").children)


def _member(
    document: Document, segment: Element, place: int, scope: Scope, level: int, method: str
) -> tuple[Member, Model]:
    predicate = read_predicate(segment, scope)
    model = read_model(document, segment.one(*MODELS), scope, level + 1)
    if method == "modelChain":
        for output in model.outputs:
            if scope.own(output.name) is not None:
                segment.refuse(f"the output “{output.name[:60]}” has the name of another field")
            scope.fields[output.name] = Field(FieldType(output.data_type))
    return Member(segment.get("id", str(place)), segment.number("weight", 1.0), predicate, model.answer), model
