"""What a model file is, by its bytes: nothing in it is run, imported or unpacked.

inspection        from a file to what is known of it, or the reason why it is refused
own_code          a person's own classes, in files of Python beside the model
pickled_models    pickles and files of skops: the model in them, and why one is refused
boosted_pickles   models of XGBoost, LightGBM and CatBoost inside pickles
model_formats     kinds of files told apart by their bytes
pickles           pickles read as symbols, and the names they may use
skops_files       files of skops, read as what a pickle of the same object would hold
onnx_files        ONNX graphs, their classes' names, the weights beside them
keras_files       archives of Keras 3
torch_files       programs of PyTorch, and weights with their program beside
mlflow_folders    what MLflow's MLmodel says of the model in its folder
tree_libraries    files of XGBoost, LightGBM and CatBoost
pmml_files        PMML: what its model takes and answers
julia_files       Julia's objects, and what the files beside them say
r_files           R's saved models: their class, columns and answers
zip_entries       what is in a zip archive
zip_members       parts of a zip archive, read with bounds

Imports point down (a contract in pyproject.toml).
"""
