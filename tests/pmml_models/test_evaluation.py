"""What single elements of PMML mean: strategies for missing values, functions, transformations, ensembles."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kronkers_studio.pmml.problems import InvalidRow, Unevaluated
from tests.pmml_models.documents import answers, derived, document, schema, tree

_NODES = """<Node id="1" score="0"><True/>
<Node id="2" score="1"><SimplePredicate field="x" operator="lessThan" value="5"/>
  <Node id="4" score="3"><SimplePredicate field="x" operator="lessThan" value="2"/></Node>
  <Node id="5" score="4"><SimplePredicate field="x" operator="greaterThan" value="3"/></Node></Node>
<Node id="3" score="2"><SimplePredicate field="x" operator="greaterOrEqual" value="5"/></Node></Node>"""


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", [3, None, 4, 2, None]),
        ('missingValueStrategy="none" noTrueChildStrategy="returnLastPrediction"', [3, 1, 4, 2, 0]),
        ('missingValueStrategy="lastPrediction"', [3, None, 4, 2, 0]),
        ('missingValueStrategy="nullPrediction" noTrueChildStrategy="returnLastPrediction"', [3, 1, 4, 2, None]),
    ],
)
def test_a_tree_goes_on_as_its_strategies_say(attributes: str, expected: list[float | None]) -> None:
    found = answers(tree(_NODES, attributes), x=[1, 2.5, 4, 7, None])
    assert found["output"] == expected


def test_a_default_child_takes_what_is_missing() -> None:
    nodes = _NODES.replace('id="1"', 'id="1" defaultChild="2"').replace('id="2"', 'id="2" defaultChild="5"')
    assert answers(tree(nodes, 'missingValueStrategy="defaultChild"'), x=[7, None])["output"] == [2, 4]
    with pytest.raises(InvalidRow, match="does not say how to go on"):
        answers(tree(_NODES, 'missingValueStrategy="defaultChild"'), x=[7, None])


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ('<SimplePredicate field="word" operator="equal" value="red"/>', [1, 0, None]),
        ('<SimplePredicate field="word" operator="notEqual" value="red"/>', [0, 1, None]),
        ('<SimplePredicate field="word" operator="isMissing"/>', [0, 0, 1]),
        (
            '<SimpleSetPredicate field="word" booleanOperator="isIn"><Array type="string">red "dark red"</Array>'
            "</SimpleSetPredicate>",
            [1, 0, None],
        ),
        (
            '<CompoundPredicate booleanOperator="surrogate"><SimplePredicate field="word" operator="equal" '
            'value="red"/><SimplePredicate field="x" operator="greaterThan" value="0"/></CompoundPredicate>',
            [1, 0, 1],
        ),
        (
            '<CompoundPredicate booleanOperator="and"><SimplePredicate field="word" operator="equal" value="red"/>'
            '<SimplePredicate field="x" operator="lessThan" value="0"/></CompoundPredicate>',
            [0, 0, 0],
        ),
        (
            '<CompoundPredicate booleanOperator="or"><SimplePredicate field="word" operator="equal" value="red"/>'
            '<SimplePredicate field="x" operator="lessThan" value="0"/></CompoundPredicate>',
            [1, 0, None],
        ),
        (
            '<CompoundPredicate booleanOperator="xor"><SimplePredicate field="word" operator="equal" value="red"/>'
            "<True/></CompoundPredicate>",
            [0, 1, None],
        ),
    ],
)
def test_predicates_have_three_answers(predicate: str, expected: list[float | None]) -> None:
    """Seen to fail with an “and” that is unknown wherever a part is."""
    nodes = f'<Node score="9"><True/><Node score="1">{predicate}</Node><Node score="0"><True/></Node></Node>'
    found = answers(
        tree(nodes, 'missingValueStrategy="nullPrediction"', fields=("x", "word")),
        x=[1, 1, 1],
        word=["red", "blue", None],
    )
    assert found["output"] == expected


_X = '<FieldRef field="x"/>'


def _apply(function: str, *arguments: str, more: str = "") -> str:
    return f'<Apply function="{function}" {more}>{"".join(arguments)}</Apply>'


def _constant(value: object) -> str:
    return f"<Constant>{value}</Constant>"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (_apply("+", _X, _constant(1)), [3.5, None]),
        (_apply("/", _X, _constant(2)), [1.25, None]),
        (_apply("max", _X, _constant(1)), [2.5, 1]),
        (_apply("avg", _X, _constant(1)), [1.75, 1]),
        (_apply("round", _X), [3, None]),
        (_apply("rint", _X), [2, None]),
        (_apply("modulo", _apply("-", _constant(0), _X), _constant(2)), [1.5, None]),
        (_apply("ln", _apply("exp", _X)), [2.5, None]),
        (_apply("pow", _X, _constant(2)), [6.25, None]),
        (_apply("if", _apply("isMissing", _X), _constant(7), _constant(8)), [8, 7]),
        (_apply("if", _apply("greaterThan", _X, _constant(1)), _constant(7), _constant(8)), [7, None]),
        (_apply("*", _X, _constant(2), more='mapMissingTo="-1"'), [5, -1]),
        (_apply("stdNormalCDF", _X), [0.993790334674224, None]),
        ('<FieldRef field="x" mapMissingTo="4"/>', [2.5, 4]),
        (
            '<NormContinuous field="x" outliers="asExtremeValues"><LinearNorm orig="0" norm="0"/>'
            '<LinearNorm orig="2" norm="10"/></NormContinuous>',
            [10, None],
        ),
        (
            '<NormContinuous field="x" mapMissingTo="3"><LinearNorm orig="0" norm="0"/><LinearNorm orig="2" norm="10"/>'
            "</NormContinuous>",
            [12.5, 3],
        ),
        (
            '<Discretize field="x" defaultValue="5" dataType="double"><DiscretizeBin binValue="1">'
            '<Interval closure="openClosed" rightMargin="2"/></DiscretizeBin></Discretize>',
            [5, None],
        ),
        (_apply("threshold", _X, _constant(2)), [1, None]),
    ],
)
def test_expressions_give_what_pmml_says(expression: str, expected: list[float | None]) -> None:
    found = answers(derived(expression), x=[2.5, None])["output"]
    assert found == [None if one is None else pytest.approx(one) for one in expected]


def test_texts_are_mapped_matched_and_counted() -> None:
    table = "".join(f"<row><in>{word}</in><out>{number}</out></row>" for word, number in (("red", 3), ("blue", 4)))
    mapped = (
        '<MapValues outputColumn="out" mapMissingTo="9" dataType="double"><FieldColumnPair field="word" column="in"/>'
        f"<InlineTable>{table}</InlineTable></MapValues>"
    )
    words: list[Any] = ["red", "blue", None]
    assert answers(derived(mapped, fields=("word",)), word=words)["output"] == [3, 4, 9]
    matched = _apply("matches", '<FieldRef field="word"/>', '<Constant dataType="string">^r[a-e]d$</Constant>')
    counted = _apply("if", matched, _constant(1), _constant(0))
    assert answers(derived(counted, fields=("word",)), word=words)["output"] == [1, 0, None]
    joined = _apply("concat", '<FieldRef field="word"/>', '<Constant dataType="string"> </Constant>')
    assert answers(derived(_apply("stringLength", joined), fields=("word",)), word=words)["output"][:2] == [4, 5]
    assert answers(derived('<NormDiscrete field="word" value="red"/>', fields=("word",)), word=words)["output"] == [
        1,
        0,
        None,
    ]


def test_a_function_of_the_document_is_called_with_its_arguments() -> None:
    body = _apply("*", '<FieldRef field="p"/>', _constant(2))
    shared = (
        '<TransformationDictionary><DefineFunction name="twice" optype="continuous"><ParameterField name="p"/>'
        f"{body}</DefineFunction></TransformationDictionary>"
    )
    assert answers(derived(_apply("twice", _X), shared=shared), x=[2.5, None])["output"] == [5, None]


def _segments(method: str, *scores: str, more: str = "", weights: tuple[float, ...] = (1, 2, 3)) -> bytes:
    made = "".join(
        f'<Segment id="{place}" weight="{weight}"><True/><TreeModel functionName="regression">{schema("x")}'
        f"<Node{score}><True/></Node></TreeModel></Segment>"
        for place, (score, weight) in enumerate(zip(scores, weights, strict=False))
    )
    return document(
        f'<MiningModel functionName="regression">{schema("x")}<Segmentation multipleModelMethod="{method}" {more}>'
        f"{made}</Segmentation></MiningModel>"
    )


@pytest.mark.parametrize(
    ("method", "expected"),
    [("sum", 16), ("average", 16 / 3), ("weightedAverage", (1 + 6 + 36) / 6), ("median", 3), ("max", 12)],
)
def test_segments_are_put_together_by_their_method(method: str, expected: float) -> None:
    found = answers(_segments(method, ' score="1"', ' score="3"', ' score="12"'), x=[1])
    assert found["output"] == [pytest.approx(expected)]


def test_a_segment_without_an_answer_counts_as_its_treatment_says() -> None:
    scores = (' score="1"', "", ' score="12"')
    assert answers(_segments("sum", *scores), x=[1])["output"] == [None]
    skipped = _segments("sum", *scores, more='missingPredictionTreatment="skipSegment"')
    assert answers(skipped, x=[1])["output"] == [13]


def test_the_first_segment_that_is_for_a_row_answers_it_even_with_nothing() -> None:
    """Seen to fail with segments after it that filled the gap."""
    wanted = schema("x")
    first = (
        '<Segment><SimplePredicate field="x" operator="lessThan" value="5"/><TreeModel functionName="regression">'
        f'{wanted}<Node score="1"><SimplePredicate field="x" operator="lessThan" value="2"/></Node>'
        "</TreeModel></Segment>"
    )
    second = (
        f'<Segment><True/><TreeModel functionName="regression">{wanted}<Node score="2"><True/></Node></TreeModel>'
        "</Segment>"
    )
    data = document(
        f'<MiningModel functionName="regression">{schema("x")}<Segmentation multipleModelMethod="selectFirst">'
        f"{first}{second}</Segmentation></MiningModel>"
    )
    assert answers(data, x=[1, 3, 9])["output"] == [1, None, 2]


@pytest.mark.parametrize(
    ("attributes", "given", "expected"),
    [
        ('missingValueReplacement="5"', None, 5),
        ('outliers="asExtremeValues" lowValue="0" highValue="10"', 12, 10),
        ('outliers="asMissingValues" lowValue="0" highValue="10"', 12, None),
        ('outliers="asMissingValues" lowValue="0" highValue="10" missingValueReplacement="1"', 12, 1),
    ],
)
def test_a_schema_says_what_becomes_of_values(attributes: str, given: float | None, expected: float | None) -> None:
    assert answers(derived(_X, fields=(f"x {attributes}",)), x=[given])["output"] == [expected]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [('invalidValueTreatment="asIs"', 0), ('invalidValueTreatment="asMissing"', None), ("", "is none of red, blue")],
)
def test_an_invalid_value_is_taken_or_refused_as_the_schema_says(attributes: str, expected: float | str | None) -> None:
    data = derived('<NormDiscrete field="word" value="red"/>', fields=(f"word {attributes}".strip(),))
    if isinstance(expected, str):
        with pytest.raises(InvalidRow, match=expected) as refused:
            answers(data, word=["red", "green"])
        assert (refused.value.field, refused.value.row) == ("word", 1)
    else:
        assert answers(data, word=["red", "green"])["output"] == [1, expected]


def test_targets_rescale_and_round() -> None:
    model = (
        f'<RegressionModel functionName="regression">{schema("x")}<Targets><Target field="y" rescaleFactor="3" '
        'rescaleConstant="1" max="4" castInteger="floor"/></Targets><RegressionTable intercept="0.5">'
        '<NumericPredictor name="x" coefficient="1"/></RegressionTable></RegressionModel>'
    )
    assert answers(document(model), x=[1, 10])["output"] == [5, 13]


@pytest.mark.parametrize(
    ("normalization", "expected"),
    [
        ("logit", 1 / (1 + math.exp(-0.5))),
        ("probit", 0.6914624612740131),
        ("cloglog", 1 - math.exp(-math.exp(0.5))),
        ("softmax", math.exp(0.5) / (math.exp(0.5) + 1)),
        ("none", 0.5),
        ("cauchit", 0.5 + math.atan(0.5) / math.pi),
    ],
)
def test_classes_of_regressions_are_normalized(normalization: str, expected: float) -> None:
    model = (
        f'<RegressionModel functionName="classification" normalizationMethod="{normalization}">'
        f'{schema("x", target="kind")}<RegressionTable intercept="0.5" targetCategory="a"/>'
        '<RegressionTable intercept="0" targetCategory="b"/></RegressionModel>'
    )
    found = answers(document(model), x=[1])
    assert found["probabilities"] == [[pytest.approx(expected), pytest.approx(1 - expected)]]


def test_whole_numbers_are_not_divided_without_saying_how() -> None:
    expression = _apply("/", '<FieldRef field="n"/>', _constant(2))
    with pytest.raises(Unevaluated, match="whole numbers are divided"):
        answers(derived(expression, fields=("n",)), n=[3])


def test_rows_that_no_segment_is_for_have_no_answer_and_no_probabilities() -> None:
    """Seen to fail with outputs that were left out where no row had an answer."""
    told = '<ScoreDistribution value="a" recordCount="3"/><ScoreDistribution value="b" recordCount="1"/>'
    wanted = schema("x", target="kind")
    segment = (
        '<Segment id="s"><SimplePredicate field="x" operator="lessThan" value="5"/>'
        f'<TreeModel functionName="classification">{wanted}<Node score="a"><True/>{told}</Node></TreeModel></Segment>'
    )
    output = '<OutputField name="of" feature="probability" value="a" segmentId="s" dataType="double"/>'
    data = document(
        f'<MiningModel functionName="classification">{wanted}<Output>{output}</Output>'
        f'<Segmentation multipleModelMethod="selectFirst">{segment}</Segmentation></MiningModel>'
    )
    assert answers(data, x=[1, 9])["of"] == [0.75, None]
    found = answers(data, x=[9])
    assert (found["label"], found["of"]) == ([None], [None])
    assert all(one != one for one in found["probabilities"][0])  # noqa: PLR0124 — not a number


def test_what_the_schema_refuses_is_refused_also_where_nothing_looks_at_it() -> None:
    """Fields were looked at only where a predicate asked for them, once."""
    data = tree("<Node score='1'><True/></Node>", fields=("n",))
    assert answers(data, n=[3, None])["output"] == [1, 1]
    with pytest.raises(InvalidRow, match="is no integer"):
        answers(data, n=[3.5])
