"""Makes the small model files in this folder, with the libraries whose they are:

    pip install catboost keras lightgbm skops torch xgboost && KERAS_BACKEND=torch python make_models.py

The R objects beside them are made by ``make_models.R``.
"""

# mypy: ignore-errors

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True)


def xgboost_models() -> None:
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=2, max_depth=2).fit(X, y)
    for name in ("xgb.json", "xgb.ubj"):
        model.get_booster().save_model(name)
    model.get_booster().dump_model("xgb_dump.txt")  # for people to read: no model
    model.get_booster().dump_model("xgb_dump.json", dump_format="json")
    joblib.dump(model, "xgb_sklearn.joblib")


def lightgbm_models() -> None:
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4, verbose=-1).fit(X, y)
    model.booster_.save_model("lgb.txt")
    joblib.dump(model, "lgb_sklearn.joblib")


def catboost_models() -> None:
    import catboost

    options = {"iterations": 3, "depth": 2, "verbose": 0, "allow_writing_files": False}
    classifier = catboost.CatBoostClassifier(**options).fit(X, y)
    classifier.save_model("cat.cbm")
    classifier.save_model("cat.json", format="json")
    with Path("cat.pkl").open("wb") as file:
        pickle.dump(classifier, file)
    regressor = catboost.CatBoostRegressor(**options).fit(X, y)
    regressor.save_model("cat.pmml", format="pmml")
    regressor.save_model("cat.mlmodel", format="coreml")
    for file in Path().glob("cat.*"):  # the library writes who built it: no affair of these files
        author = re.compile(rb"(?<=Author: )[^>\n]*?(?:>|&gt;)")
        file.write_bytes(author.sub(lambda found: b"x" * len(found[0]), file.read_bytes()))


def skops_models() -> None:
    import skops.io

    skops.io.dump(LogisticRegression(max_iter=500).fit(X, y), "lr.skops")


def torch_models() -> None:
    import torch
    from safetensors.torch import save_file

    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1)).eval()
    torch.save(net.state_dict(), "state.pt")
    torch.save(net, "net.pth")
    torch.save(net.state_dict(), "old.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(net).save("whole.pt")
    with zipfile.ZipFile("whole.pt") as whole, zipfile.ZipFile("script.pt", "w") as script:
        for name in whole.namelist():
            if not name.endswith(".debug_pkl"):  # where the program was on the computer that made it
                script.writestr(zipfile.ZipInfo(name), whole.read(name))
    Path("whole.pt").unlink()
    save_file(net.state_dict(), "net.safetensors")


def keras_models() -> None:
    import keras

    layers = [keras.layers.Input((4,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.save("net.keras")
    model.save("net.h5")
    model.save_weights("net.weights.h5")


if __name__ == "__main__":
    for make in (xgboost_models, lightgbm_models, catboost_models, skops_models, torch_models, keras_models):
        make()
