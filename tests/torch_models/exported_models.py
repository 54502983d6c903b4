"""Exports three small programs with the PyTorch that is installed, and writes down what they answer:
``python exported_models.py FOLDER``. In tests/torch_models/exported lies what PyTorch 2.6 and 2.13 made of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim
from torch.utils import _pytree


class Net(nn.Module):  # type: ignore[misc,unused-ignore]  # PyTorch is not there where this is typed
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)
        self.register_buffer("scale", torch.tensor([1.0, 2.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.last(torch.relu(self.norm(self.first(x)))) * self.scale, dim=1)


class Two(nn.Module):  # type: ignore[misc,unused-ignore]
    """Two inputs of one length, which is at work in the program, and a constant."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows = a.shape[0]
        return a.sum(1) + b[:, 0].to(torch.float32), a.reshape(rows * 3) * torch.tensor([1.5, 2.0]).sum()


class Modes(nn.Module):  # type: ignore[misc,unused-ignore]
    """A part without gradients, arguments in containers, and one by name."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(
        self, pair: tuple[torch.Tensor, dict[str, torch.Tensor]], *, scale: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            kept = torch.relu(self.first(pair[0] - pair[1]["b"]))
        return {"kept": kept, "found": self.last(kept * scale)}


def main(folder: Path) -> None:
    torch.manual_seed(3)
    made = torch.__version__.partition("+")[0]
    some, any_number = Dim("rows", min=2, max=64), Dim("n", min=1, max=1000)
    a, b = torch.randn(4, 3), torch.arange(8).reshape(4, 2)
    pair, scale = (torch.randn(3, 4), {"b": torch.randn(3, 4)}), torch.randn(3)
    cases = {}
    for name, model, places, names, lengths in (
        ("rows", Net().eval(), (torch.randn(5, 4),), {}, {"x": {0: some}}),
        ("two", Two().eval(), (a, b), {}, {"a": {0: any_number}, "b": {0: any_number}}),
        (
            *("modes", Modes().eval(), (pair,), {"scale": scale}),
            {"pair": ({0: any_number}, {"b": {0: any_number}}), "scale": None},
        ),
    ):
        program = torch.export.export(model, places, names, dynamic_shapes=lengths)
        torch.export.save(program, str(folder / f"{name}-{made}.pt2"))
        given, outputs = _pytree.tree_leaves((places, names)), _pytree.tree_leaves(model(*places, **names))
        cases[f"{name}-{made}.pt2"] = {
            "inputs": [
                {"dtype": str(one.dtype).removeprefix("torch."), "shape": list(one.shape), "data": one.tolist()}
                for one in given
            ],
            "outputs": [one.tolist() for one in outputs],
        }
    (folder / f"cases-{made}.json").write_text(json.dumps(cases), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
