"""Pickles read without running them, and what a model's may name, call and hold.

pickle_reader     every opcode carried out on symbols
pickle_symbols    what a pickle would build, as symbols
array_types       numpy's types and small arrays, as pickles describe them
allowlist         which globals a model may name
allowances        which others a person may allow, and which nobody may
sklearn_names     which of them rebuild compiled objects
listed_names      the names themselves, made by a script
listed_tree_names those of XGBoost, LightGBM and CatBoost, made by another
construction      what may be called, with which arguments
model_state       what the attributes of a model may hold
boosted_state     what the attributes of tree libraries' estimators may hold, and where their models are
replaced_names    names that a service puts something of its own in place of
estimators        estimators as their pickles describe them
"""
