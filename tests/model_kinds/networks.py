"""A small network of Keras and one of PyTorch that give one number for a row, written with what they answer. Run with a
Python that has the libraries: ``python -m tests.model_kinds.networks FOLDER``."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROWS = np.random.default_rng(5).normal(size=(40, 4)).astype(np.float32)


def main(folder: Path) -> None:
    answers = {"keras": _keras(folder / "net.keras"), **_torch(folder / "net.pt", folder / "net.pt2")}
    print(json.dumps({"rows": ROWS.tolist(), "answers": answers, "torch": version("torch").partition("+")[0]}))


def _keras(file: Path) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.Input((4,), name="row"), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.save(file)
    return np.ravel(model.predict(ROWS, verbose=0)).tolist()


def _torch(script: Path, exported: Path) -> dict[str, Any]:
    import torch

    torch.manual_seed(2)
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).eval()
    torch.jit.trace(network, torch.zeros(2, 4)).save(str(script))
    sizes = ({0: torch.export.Dim("rows", min=1, max=5000)},)
    program = torch.export.export(network, (torch.zeros(2, 4),), dynamic_shapes=sizes)
    torch.export.save(program, str(exported))
    found = network(torch.from_numpy(ROWS)).detach().numpy().ravel().tolist()
    return {"torchscript": found, "exported": found}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
