"""Answers that PMML's specification and other evaluators agree on, for documents of our own."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest

from kronkers_studio.pmml.evaluator import Evaluator
from kronkers_studio.pmml.problems import InvalidRow
from kronkers_studio.pmml.text_patterns import plain_pattern
from tests.pmml_models.documents import answers, document, schema

_BAYES = """<NaiveBayesModel functionName="classification" threshold="0.01">{schema}
<BayesInputs><BayesInput fieldName="x"><TargetValueStats>
<TargetValueStat value="a"><GaussianDistribution mean="0" variance="1"/></TargetValueStat>
<TargetValueStat value="b"><GaussianDistribution mean="100" variance="1"/></TargetValueStat>
</TargetValueStats></BayesInput></BayesInputs>
<BayesOutput fieldName="kind"><TargetValueCounts><TargetValueCount value="a" count="1"/>
<TargetValueCount value="b" count="1"/></TargetValueCounts></BayesOutput></NaiveBayesModel>"""


def test_a_density_counts_as_the_threshold_at_least() -> None:
    """Seen to fail where only a density of 0 did."""
    found = answers(document(_BAYES.format(schema=schema("x", target="kind"))), x=[0, 30])
    density = 0.3989422804014327
    assert found["probabilities"][0] == pytest.approx([density / (density + 0.01), 0.01 / (density + 0.01)])
    assert found["probabilities"][1] == pytest.approx([0.5, 0.5])


def _number(intercept: float, predictor: str = "", *, fields: tuple[str, ...] = ("x",)) -> str:
    return f"""<RegressionModel functionName="regression">{schema(*fields)}
<RegressionTable intercept="{intercept}">{predictor}</RegressionTable></RegressionModel>"""


_TREE = """<TreeModel functionName="classification"><MiningSchema><MiningField name="x"/></MiningSchema>
<Output><OutputField name="part" feature="predictedValue" dataType="string"/></Output>
<Node><True/><Node score="low"><SimplePredicate field="x" operator="lessThan" value="0"/></Node>
<Node score="high"><SimplePredicate field="x" operator="lessThan" value="10"/></Node>
<Node score="far"><True/></Node></Node></TreeModel>"""


def test_the_class_that_chooses_among_regressions_leaves_every_row_its_number() -> None:
    """Seen to fail: rows asked for together had no answer, each alone had its own."""
    chosen = "".join(
        f'<Segment><SimplePredicate field="part" operator="equal" value="{part}"/>{_number(number)}</Segment>'
        for part, number in (("low", 1), ("high", 2))
    )
    data = document(
        f"""<MiningModel functionName="regression">{schema("x")}<Segmentation multipleModelMethod="modelChain">
<Segment><True/>{_TREE}</Segment>{chosen}</Segmentation></MiningModel>"""
    )
    assert answers(data, x=[-1, 5, 50, -2])["output"] == [1, 2, None, 1]
    assert [answers(data, x=[x])["output"][0] for x in (-1, 5, 50)] == [1, 2, None]


def test_what_the_document_derives_is_derived_of_the_values_that_a_segment_sees() -> None:
    """Seen to fail: it was derived of those around the segment."""
    square = '<Apply function="*"><FieldRef field="x"/><FieldRef field="x"/></Apply>'
    shared = f"""<TransformationDictionary><DerivedField name="d" optype="continuous" dataType="double">{square}
</DerivedField></TransformationDictionary>"""
    predictor = '<NumericPredictor name="d" coefficient="1"/>'
    replaced = _number(0, predictor, fields=('x missingValueReplacement="5"',))
    limited = _number(0, predictor, fields=('x outliers="asExtremeValues" lowValue="0" highValue="3"',))
    plain = _number(0, predictor)
    for model, expected in ((replaced, [25, 16]), (limited, [None, 9]), (plain, [None, 16])):
        data = document(
            f"""<MiningModel functionName="regression">{schema("x")}<Segmentation multipleModelMethod="sum">
<Segment><True/>{model}</Segment></Segmentation></MiningModel>""",
            shared=shared,
        )
        assert answers(data, x=[None, 4])["output"] == expected


@pytest.mark.parametrize("pattern", ["a[b", "[b", "|a", "a\\"])
def test_a_pattern_is_never_taken_for_a_part_of_itself(pattern: str) -> None:
    """Seen to fail: what stood between the parts that were understood was left out, so that “a[b” meant “a|b”."""
    assert plain_pattern(pattern) is None


@pytest.mark.parametrize("pattern", ["", "a|b", "a||b", "a|", "[a|b]c", "a\\|b", "^ab*$|c"])
def test_plain_patterns_are_taken_whole(pattern: str) -> None:
    found = plain_pattern(pattern)
    assert found is not None
    assert found.pattern == pattern


_FROM_0 = """<DataField name="x" optype="continuous" dataType="double">
<Interval closure="closedOpen" leftMargin="0"/></DataField>
<DataField name="y" optype="continuous" dataType="double"/>"""


def test_many_segments_for_many_rows_do_not_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail where the numbers of all rows and segments are kept at once. Rows keep their places."""
    monkeypatch.setattr("kronkers_studio.pmml.evaluator._AT_ONCE", 20_000)
    node = '<Node><True/><Node score="1"><SimplePredicate field="x" operator="lessThan" value="500"/></Node>'
    one = f'<TreeModel functionName="regression">{schema("x")}{node}<Node score="3"><True/></Node></Node></TreeModel>'
    data = document(
        f"""<MiningModel functionName="regression">{schema("x")}<Segmentation multipleModelMethod="average">
{f"<Segment><True/>{one}</Segment>" * 1_000}</Segmentation></MiningModel>""",
        fields=_FROM_0,
    )
    evaluator = Evaluator(io.BytesIO(data))
    rows = np.arange(1_000.0)
    tracemalloc.start()
    found = evaluator.answer({"x": rows}, len(rows))["output"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.tolist() == np.where(rows < 500, 1, 3).tolist()
    assert peak < 8 << 20
    rows[900] = -1
    with pytest.raises(InvalidRow) as refused:
        evaluator.answer({"x": rows}, len(rows))
    assert refused.value.row == 900
