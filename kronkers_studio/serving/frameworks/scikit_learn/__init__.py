"""Models of scikit-learn, from pickles and joblib files.

sklearn_model        what a fitted estimator or pipeline takes and answers
sklearn_columns      its choices of columns
sklearn_missing      where it takes missing values
estimator_objects    estimators, shown to `kronkers_studio.estimators`
boosted_parts        XGBoost, LightGBM and CatBoost inside such a model
unpickling           pickles that import only what the package lists
replaced_names       what stands for names that no service imports
"""
