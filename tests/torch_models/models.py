"""Makes a few small models with the PyTorch that is installed, saves them as TorchScript, and writes down what they
answer. Run with its Python: ``python models.py FOLDER``. In tests/torch_models/files lies what PyTorch 2.13 made of
``SMALL``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

SMALL = ("traced", "scripted")
"""Those that lie in tests/torch_models/files."""

Made = tuple[str, Any, tuple[Any, ...]]


def main(folder: Path) -> None:
    torch.manual_seed(3)
    cases = {}
    for name, model, given in _models():
        model.save(str(folder / f"{name}.pt"))
        with torch.inference_mode():
            found = model(*given)
        outputs = list(found) if isinstance(found, tuple) else [found]
        cases[f"{name}.pt"] = {
            "inputs": [_described(tensor) for tensor in given],
            "outputs": [one.tolist() for one in outputs],
        }
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


def _described(tensor: Any) -> dict[str, Any]:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"dtype": dtype, "shape": list(tensor.shape), "data": tensor.reshape(-1).tolist()}


class Scripted(nn.Module):  # type: ignore[misc,unused-ignore]  # PyTorch is not there where this is typed
    """A model with a branch, a loop, a list and an input that may be left out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        parts = [self.first(x)]
        for step in range(2):
            parts.append(torch.relu(parts[-1]) * float(step + 1))
        total = torch.stack(parts).sum(0)
        if float(total.sum()) > 0.0:
            total = total * scale
        return self.second(total), torch.softmax(total, dim=1)


class Attention(nn.Module):  # type: ignore[misc,unused-ignore]
    def __init__(self) -> None:
        super().__init__()
        self.words, self.layer = nn.Embedding(40, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.lstm, self.last = nn.LSTM(8, 6, batch_first=True, bidirectional=True), nn.Linear(12, 3)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        found, _ = self.lstm(self.layer(self.words(words)))
        return self.last(found[:, -1])


class Picky(nn.Module):  # type: ignore[misc,unused-ignore]
    """A model that says itself what it does not take."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if float(x.abs().sum()) == 0.0:
            raise ValueError("nothing but zeros")
        return x / x.abs().sum()


def _models() -> Iterator[Made]:
    rows = torch.randn(5, 4)
    plain = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 2)).eval()
    yield "traced", torch.jit.trace(plain, rows), (rows,)
    yield "scripted", torch.jit.script(Scripted().eval()), (rows,)
    yield "frozen", torch.jit.freeze(torch.jit.script(plain)), (rows,)
    picture = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.MaxPool2d(2), nn.Conv2d(8, 4, 3, groups=2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3), nn.Softmax(1)),
    ).eval()
    image = torch.randn(2, 3, 12, 12)
    yield "picture", torch.jit.script(picture), (image,)
    words = torch.randint(0, 40, (3, 7))
    yield "words", torch.jit.trace(Attention().eval(), words, check_trace=False), (words,)
    yield "words-scripted", torch.jit.script(Attention().eval()), (words,)
    two = nn.Bilinear(3, 4, 2).eval()
    yield "picky", torch.jit.script(Picky()), (rows,)
    yield "two-inputs", torch.jit.script(two), (torch.randn(4, 3), torch.randn(4, 4))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
