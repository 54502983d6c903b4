"""Models of every framework, loaded by its own library and asked for their answers.

scikit_learn      estimators and pipelines from pickles and joblib files
tree_libraries    XGBoost, LightGBM and CatBoost
onnx_files        ONNX
keras_files       Keras 3
torch_files       PyTorch
pmml_files        PMML
workers           R, Julia and Python in processes of their own
own_code          a person's own code that travels with a model
"""
