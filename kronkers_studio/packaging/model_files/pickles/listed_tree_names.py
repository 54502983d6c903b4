"""The classes of XGBoost, LightGBM and CatBoost that a model may hold, one by one.

Made of xgboost==1.7.6, lightgbm==3.3.5, catboost==1.2, scikit-learn==1.2.2.
Made of xgboost-cpu==3.2.0, lightgbm==4.7.0, catboost==1.2.10, scikit-learn==1.9.1.

Made by ``python -m tests.estimators.listed_tree_names``: do not edit. A name counts only where it is
defined.
"""

from __future__ import annotations

from typing import Final

ESTIMATORS: Final = {
    "catboost.core": ("CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor"),
    "lightgbm.sklearn": "LGBMClassifier LGBMModel LGBMRanker LGBMRegressor",
    "xgboost.sklearn": ("XGBClassifier XGBModel XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor"),
}
"""Estimators, by module."""

BOOSTERS: Final = {
    "lightgbm.basic": "Booster",
    "xgboost.core": "Booster",
}
"""What holds the model of an estimator, by module."""
