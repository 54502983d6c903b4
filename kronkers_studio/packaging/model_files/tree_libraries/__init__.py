"""Files of tree libraries, and what they say of themselves: read with bounds, the trees themselves passed over.

xgboost_files     XGBoost's JSON and UBJSON
lightgbm_files    LightGBM's text
catboost_files    CatBoost's .cbm
outlines          what the readers of JSON and UBJSON share: which parts are passed over, and the bounds
json_outline      a JSON document without its large parts
ubjson_outline    a UBJSON document without its large parts
flat_buffer       tables of a FlatBuffers file, read where they are asked for
signatures        what such models take and give
unreadable        the refusal of a file that is damaged
"""
