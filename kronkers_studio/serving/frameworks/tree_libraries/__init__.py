"""Models of the tree libraries, from their own files.

tree_model        what XGBoost and LightGBM share
xgboost_model     XGBoost
lightgbm_model    LightGBM
catboost_model    CatBoost
catboost_truths   its categories that are true and false
"""
