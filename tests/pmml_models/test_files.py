"""What is found out of PMML documents, and which are refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.recorded_facts import checked_facts
from kronkers_studio.serving.frameworks.pmml_files.pmml_model import PmmlModel
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec
from tests.pmml_models.documents import derived, document, schema, tree

FILES = Path(__file__).with_name("files")


def inspected(data: bytes, name: str = "m.pmml") -> ModelFacts:
    return checked_facts(inspect_model(name, io.BytesIO(data), {}))


def test_a_document_tells_what_it_takes_and_answers() -> None:
    facts = inspected((FILES / "forest.pmml").read_bytes(), "forest.xml")

    assert (facts.framework, facts.framework_version, facts.estimator) == (Framework.PMML, "4.4.1", "PMML MiningModel")
    assert [(one.name, one.datatype, one.shape) for one in facts.signature.inputs] == [
        (name, Datatype.FP64, (-1, 1)) for name in ("sl", "sw", "pl", "pw")
    ]
    label, shares, *_ = facts.signature.outputs
    assert (label.datatype, shares.columns) == (Datatype.BYTES, ("setosa", "versicolor", "virginica"))


def test_values_and_intervals_are_told() -> None:
    fields = (
        '<DataField name="x" optype="continuous" dataType="double">'
        '<Interval closure="closedOpen" leftMargin="0" rightMargin="9.5"/></DataField>'
        '<DataField name="word" optype="categorical" dataType="string"><Value value="red"/></DataField>'
        '<DataField name="yes" optype="categorical" dataType="boolean"/>'
        '<DataField name="y" optype="continuous" dataType="double"/>'
    )
    model = (
        f'<RegressionModel functionName="regression">{schema("x", "word", "yes")}'
        '<RegressionTable intercept="1"/></RegressionModel>'
    )
    facts = inspected(document(model, fields=fields))

    assert [one.levels for one in facts.signature.inputs] == [(), ("red",), ("true", "false")]
    assert facts.notes == ("“x” takes numbers from 0 below 9.5.",)


_LEAF = "<Node score='1'><True/></Node>"
_SPREAD = f'<ClusteringModel functionName="clustering" modelClass="distributionBased">{schema("x")}</ClusteringModel>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tree(_LEAF, 'missingValueStrategy="aggregateNodes"'), "aggregateNodes.*TreeModel, line"),
        (tree(_LEAF, 'colour="red"'), "attribute “colour” is not evaluated .TreeModel, line"),
        (tree("<Node score='1'><True/><Regression/></Node>"), "Regression is not evaluated: trees"),
        (tree("<Node score='one'><True/></Node>"), "“one” is no number"),
        (tree("<Node score='1'><SimplePredicate field='z' operator='isMissing'/></Node>"), "no field “z”"),
        (derived('<TextIndex textField="word"><FieldRef field="word"/></TextIndex>'), "TextIndex is not evaluated"),
        (derived('<Lag field="x"/>'), "Lag is not evaluated: it looks at the rows before"),
        (derived('<Aggregate field="x" function="count"/>'), "Aggregate is not evaluated"),
        (derived('<Apply function="own"><FieldRef field="x"/></Apply>'), "the function “own” is not evaluated"),
        (document("<AssociationModel/>"), "AssociationModel is not evaluated"),
        (document(""), "it has no model"),
        (tree(_LEAF).replace(b'DataField name="n"', b'DataField name=""'), "a name is empty"),
        (derived('<FieldRef field="x"/>').replace(b'version="4.4"', b'version="5.0"'), "version=“5.0”"),
        (
            tree("<Node score='1'><Extension><True/></Extension><True/></Node>"),
            "True in an Extension could mean another answer",
        ),
        (document(_SPREAD), "modelClass=“distributionBased” is not evaluated"),
    ],
)
def test_what_is_not_evaluated_is_refused_with_its_place(data: bytes, reason: str) -> None:
    """Seen to fail with extensions that are passed over whatever is in them."""
    with pytest.raises(UnsupportedModel, match=reason) as refusal:
        inspected(data)
    assert refusal.value.next_step


def _served(data: bytes) -> PmmlModel:
    facts = inspected(data)
    inputs = tuple(TensorSpec(one.name, one.datatype.value, one.shape) for one in facts.signature.inputs)
    outputs = tuple(TensorSpec(one.name, one.datatype.value, one.shape, one.columns) for one in facts.signature.outputs)
    return PmmlModel(io.BytesIO(data), Signature(inputs, outputs))


def test_a_row_that_the_schema_refuses_is_answered_with_its_place() -> None:
    model = _served(derived('<NormDiscrete field="word" value="red"/>', fields=("word",)))
    words = np.array([["red"], ["green"]], dtype=object)
    with pytest.raises(Refusal, match="Row 2: the field “word” holds “green”, which is none of red, blue") as refusal:
        model.run({"word": words}, ["output"])
    assert (refusal.value.status, refusal.value.row, refusal.value.field) == (422, 2, "word")


def test_a_service_does_not_start_with_another_document_than_its_package_declares() -> None:
    with pytest.raises(CannotStart, match="other fields than its package says"):
        PmmlModel(io.BytesIO(derived('<FieldRef field="x"/>')), Signature())
