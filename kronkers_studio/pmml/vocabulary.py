"""What of PMML is evaluated: the elements, the attributes that each may have, and what may lie in it.

After the DMG's schemas of PMML 3.0 to 4.4. What is not in this table is refused when the document is read, so that
nothing is passed over that might mean another answer. Attributes that only describe (names of algorithms, counts that
can be counted) are known and not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """What an element may have."""

    attributes: frozenset[str]
    children: frozenset[str]


def _kind(attributes: str = "", children: str = "") -> Kind:
    return Kind(frozenset(attributes.split()), frozenset(children.split()))


PASSED_OVER: Final = frozenset(
    {
        *("Extension", "Header", "MiningBuildTask", "ModelStats", "ModelExplanation", "ModelVerification"),
        *("UnivariateStats", "MultivariateStats", "Partition", "AntecedentSequence", "VerificationFields"),
        *("LiftData", "CorrelationMethods", "ClusteringModelQuality", "PPCovMatrix", "Interval-statistics"),
        *("KohonenMap", "Covariances", "Annotation"),
    }
)
"""Elements that say nothing of the answer."""

FREE_CONTENT: Final = frozenset({"InlineTable"})
"""Elements whose content is named by the document itself."""

REFUSED: Final[Mapping[str, str]] = {
    "TextIndex": "it counts words in texts",
    "Aggregate": "it sums up over several rows, and a service answers each row alone",
    "Lag": "it looks at the rows before, and a service answers each row alone",
    "TableLocator": "the table lies outside the document",
    "TextModel": "models of texts are not",
    "AssociationModel": "rules of association give no answer for a row of fields",
    "SequenceModel": "sequences are not rows",
    "TimeSeriesModel": "time series are not rows",
    "BaselineModel": "models of change are not",
    "BayesianNetworkModel": "Bayesian networks are not yet",
    "GaussianProcessModel": "Gaussian processes are not yet",
    "AnomalyDetectionModel": "models of anomalies are not yet",
    "BaseCumHazardTables": "Cox's hazards are not",
    "EventValues": "events are not",
    "DecisionTree": "trees and regressions inside nodes are not",
    "Regression": "trees and regressions inside nodes are not",
    "Taxonomy": "taxonomies are not",
    "Decisions": "decisions are not",
}

_VALUES = "Constant FieldRef NormContinuous NormDiscrete Discretize MapValues Apply"
_TESTS = "SimplePredicate CompoundPredicate SimpleSetPredicate True False"
MODELS: Final = (
    *("TreeModel", "MiningModel", "RegressionModel", "GeneralRegressionModel", "NeuralNetwork", "Scorecard"),
    *("SupportVectorMachineModel", "NaiveBayesModel", "ClusteringModel", "NearestNeighborModel", "RuleSetModel"),
)
_MODELS = " ".join(MODELS)
_MODEL = "modelName functionName algorithmName isScorable"
_PARTS = "MiningSchema Output Targets LocalTransformations"
_DISTANCES = "euclidean squaredEuclidean chebychev cityBlock minkowski simpleMatching jaccard tanimoto binarySimilarity"

KNOWN: Final[Mapping[str, Kind]] = {
    "PMML": _kind("version", f"DataDictionary TransformationDictionary {_MODELS} " + " ".join(REFUSED)),
    "DataDictionary": _kind("numberOfFields", "DataField"),
    "DataField": _kind("name displayName optype dataType taxonomy isCyclic", "Interval Value"),
    "Interval": _kind("closure leftMargin rightMargin"),
    "Value": _kind("value displayValue property"),
    "TransformationDictionary": _kind("", "DefineFunction DerivedField"),
    "LocalTransformations": _kind("", "DerivedField"),
    "DefineFunction": _kind("name optype dataType", f"ParameterField {_VALUES}"),
    "ParameterField": _kind("name optype dataType displayName"),
    "DerivedField": _kind("name displayName optype dataType", f"Value Interval {_VALUES}"),
    # ---- expressions ----
    "Constant": _kind("dataType missing"),
    "FieldRef": _kind("field mapMissingTo"),
    "NormContinuous": _kind("field outliers mapMissingTo", "LinearNorm"),
    "LinearNorm": _kind("orig norm"),
    "NormDiscrete": _kind("field value mapMissingTo method"),
    "Discretize": _kind("field mapMissingTo defaultValue dataType", "DiscretizeBin"),
    "DiscretizeBin": _kind("binValue", "Interval"),
    "MapValues": _kind("mapMissingTo defaultValue outputColumn dataType", "FieldColumnPair InlineTable"),
    "FieldColumnPair": _kind("field column"),
    "InlineTable": _kind("", "row"),
    "Apply": _kind("function mapMissingTo defaultValue invalidValueTreatment", _VALUES),
    # ---- fields of a model ----
    "MiningSchema": _kind("", "MiningField"),
    "MiningField": _kind(
        "name usageType optype importance outliers lowValue highValue missingValueReplacement missingValueTreatment "
        "invalidValueTreatment invalidValueReplacement"
    ),
    "Output": _kind("", "OutputField"),
    "OutputField": _kind(
        "name displayName optype dataType targetField feature value ruleFeature algorithm rank rankBasis rankOrder "
        "isMultiValued segmentId isFinalResult numTopCategories",
        f"{_VALUES} Value",
    ),
    "Targets": _kind("", "Target"),
    "Target": _kind("field optype castInteger min max rescaleConstant rescaleFactor", "TargetValue"),
    "TargetValue": _kind("value displayValue priorProbability defaultValue"),
    # ---- predicates ----
    "SimplePredicate": _kind("field operator value"),
    "CompoundPredicate": _kind("booleanOperator", _TESTS),
    "SimpleSetPredicate": _kind("field booleanOperator", "Array"),
    "True": _kind(),
    "False": _kind(),
    "Array": _kind("n type"),
    "REAL-SparseArray": _kind("n defaultValue", "Indices REAL-Entries"),
    "Indices": _kind(),
    "REAL-Entries": _kind(),
    # ---- models ----
    "TreeModel": _kind(
        f"{_MODEL} missingValueStrategy missingValuePenalty noTrueChildStrategy splitCharacteristic", f"{_PARTS} Node"
    ),
    "Node": _kind("id score recordCount defaultChild", f"{_TESTS} ScoreDistribution Node"),
    "ScoreDistribution": _kind("value recordCount confidence probability"),
    "MiningModel": _kind(_MODEL, f"{_PARTS} Segmentation"),
    "Segmentation": _kind("multipleModelMethod missingPredictionTreatment missingThreshold", "Segment"),
    "Segment": _kind("id weight", f"{_TESTS} {_MODELS}"),
    "RegressionModel": _kind(f"{_MODEL} modelType targetFieldName normalizationMethod", f"{_PARTS} RegressionTable"),
    "RegressionTable": _kind("intercept targetCategory", "NumericPredictor CategoricalPredictor PredictorTerm"),
    "NumericPredictor": _kind("name coefficient exponent mean stdDev"),
    "CategoricalPredictor": _kind("name value coefficient"),
    "PredictorTerm": _kind("name coefficient", "FieldRef"),
    "GeneralRegressionModel": _kind(
        f"{_MODEL} targetVariableName modelType targetReferenceCategory cumulativeLink cumulativeLinkFunction "
        "linkFunction linkParameter trialsVariable trialsValue distribution distParameter offsetVariable offsetValue "
        "modelDF",
        f"{_PARTS} ParameterList FactorList CovariateList PPMatrix ParamMatrix",
    ),
    "ParameterList": _kind("", "Parameter"),
    "Parameter": _kind("name label referencePoint"),
    "FactorList": _kind("", "Predictor"),
    "CovariateList": _kind("", "Predictor"),
    "Predictor": _kind("name contrastMatrixType"),
    "PPMatrix": _kind("", "PPCell"),
    "PPCell": _kind("value predictorName parameterName targetCategory"),
    "ParamMatrix": _kind("", "PCell"),
    "PCell": _kind("targetCategory parameterName beta df"),
    "NeuralNetwork": _kind(
        f"{_MODEL} activationFunction normalizationMethod threshold width altitude numberOfLayers",
        f"{_PARTS} NeuralInputs NeuralLayer NeuralOutputs",
    ),
    "NeuralInputs": _kind("numberOfInputs", "NeuralInput"),
    "NeuralInput": _kind("id", "DerivedField"),
    "NeuralLayer": _kind("numberOfNeurons activationFunction threshold width altitude normalizationMethod", "Neuron"),
    "Neuron": _kind("id bias width altitude", "Con"),
    "Con": _kind("from weight"),
    "NeuralOutputs": _kind("numberOfOutputs", "NeuralOutput"),
    "NeuralOutput": _kind("outputNeuron", "DerivedField"),
    "SupportVectorMachineModel": _kind(
        f"{_MODEL} threshold svmRepresentation classificationMethod maxWins alternateBinaryTargetCategory",
        f"{_PARTS} LinearKernelType PolynomialKernelType RadialBasisKernelType SigmoidKernelType VectorDictionary "
        "SupportVectorMachine",
    ),
    "LinearKernelType": _kind("description"),
    "PolynomialKernelType": _kind("description gamma coef0 degree"),
    "RadialBasisKernelType": _kind("description gamma"),
    "SigmoidKernelType": _kind("description gamma coef0"),
    "VectorDictionary": _kind("numberOfVectors", "VectorFields VectorInstance"),
    "VectorFields": _kind("numberOfFields", "FieldRef CategoricalPredictor"),
    "VectorInstance": _kind("id", "REAL-SparseArray Array"),
    "SupportVectorMachine": _kind("targetCategory alternateTargetCategory threshold", "SupportVectors Coefficients"),
    "SupportVectors": _kind("numberOfSupportVectors numberOfAttributes", "SupportVector"),
    "SupportVector": _kind("vectorId"),
    "Coefficients": _kind("numberOfCoefficients absoluteValue", "Coefficient"),
    "Coefficient": _kind("value"),
    "NaiveBayesModel": _kind(f"{_MODEL} threshold", f"{_PARTS} BayesInputs BayesOutput"),
    "BayesInputs": _kind("", "BayesInput"),
    "BayesInput": _kind("fieldName", "TargetValueStats DerivedField PairCounts"),
    "TargetValueStats": _kind("", "TargetValueStat"),
    "TargetValueStat": _kind("value", "GaussianDistribution PoissonDistribution"),
    "GaussianDistribution": _kind("mean variance"),
    "PoissonDistribution": _kind("mean"),
    "PairCounts": _kind("value", "TargetValueCounts"),
    "TargetValueCounts": _kind("", "TargetValueCount"),
    "TargetValueCount": _kind("value count"),
    "BayesOutput": _kind("fieldName", "TargetValueCounts"),
    "ClusteringModel": _kind(
        f"{_MODEL} modelClass numberOfClusters",
        f"{_PARTS} ComparisonMeasure ClusteringField MissingValueWeights Cluster",
    ),
    "ComparisonMeasure": _kind("kind compareFunction minimum maximum", _DISTANCES),
    **{name: _kind("p-parameter" if name == "minkowski" else "") for name in _DISTANCES.split()},
    "binarySimilarity": _kind(
        "c00-parameter c01-parameter c10-parameter c11-parameter d00-parameter d01-parameter "
        "d10-parameter d11-parameter"
    ),
    "ClusteringField": _kind("field isCenterField fieldWeight similarityScale compareFunction"),
    "MissingValueWeights": _kind("", "Array"),
    "Cluster": _kind("id name size", "Array"),
    "NearestNeighborModel": _kind(
        f"{_MODEL} numberOfNeighbors continuousScoringMethod categoricalScoringMethod instanceIdVariable threshold",
        f"{_PARTS} TrainingInstances ComparisonMeasure KNNInputs",
    ),
    "TrainingInstances": _kind("isTransformed recordCount fieldCount", "InstanceFields InlineTable"),
    "InstanceFields": _kind("", "InstanceField"),
    "InstanceField": _kind("field column"),
    "KNNInputs": _kind("", "KNNInput"),
    "KNNInput": _kind("field fieldWeight compareFunction"),
    "Scorecard": _kind(
        f"{_MODEL} initialScore useReasonCodes reasonCodeAlgorithm baselineScore baselineMethod",
        f"{_PARTS} Characteristics",
    ),
    "Characteristics": _kind("", "Characteristic"),
    "Characteristic": _kind("name reasonCode baselineScore", "Attribute"),
    "Attribute": _kind("reasonCode partialScore", f"{_TESTS} ComplexPartialScore"),
    "ComplexPartialScore": _kind("", _VALUES),
    "RuleSetModel": _kind(_MODEL, f"{_PARTS} RuleSet"),
    "RuleSet": _kind(
        "recordCount nbCorrect defaultScore defaultConfidence",
        "RuleSelectionMethod ScoreDistribution SimpleRule CompoundRule",
    ),
    "RuleSelectionMethod": _kind("criterion"),
    "SimpleRule": _kind("id score recordCount nbCorrect confidence weight", f"{_TESTS} ScoreDistribution"),
    "CompoundRule": _kind("", f"{_TESTS} SimpleRule CompoundRule"),
}
"""By an element's tag. What ``REFUSED`` names is told with its reason before this table is looked at."""
