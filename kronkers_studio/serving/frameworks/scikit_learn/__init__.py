"""Models of scikit-learn, from pickles, joblib files and files of skops.

sklearn_model        what a fitted estimator or pipeline takes and answers
sklearn_columns      its choices of columns
sklearn_missing      where it takes missing values
estimator_objects    estimators, shown to `kronkers_studio.estimators`
boosted_parts        XGBoost, LightGBM and CatBoost inside such a model
unpickling           pickles that import only what the package lists
skops_file           files of skops, by the same list and without skops
replaced_names       what stands for names that no service imports
"""
