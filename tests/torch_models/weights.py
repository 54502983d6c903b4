"""A network of a person's own and its weights, in the form of safetensors; and what PyTorch answers with them.

``python weights.py FOLDER`` (with PyTorch's Python) writes the network's code, its weights and a case of it.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

NET = '''
import torch
from torch import nn


class Block(nn.Module):
    """A part of the network, which has other weights than the whole."""

    def __init__(self, width):
        super().__init__()
        self.inner = nn.Linear(width, width)

    def forward(self, x):
        return torch.relu(self.inner(x))


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.first = nn.Linear(4, width)
        self.block = Block(width)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(width)
        self.last = nn.Linear(width, 3)
        self.register_buffer("scale", torch.ones(3, dtype=torch.float64))

    def forward(self, x):
        hidden = self.norm(self.drop(self.block(self.first(x))))
        scores = self.last(hidden) * self.scale
        return scores, hidden
'''


def safetensors(
    tensors: dict[str, tuple[str, tuple[int, ...], bytes]], metadata: dict[str, str] | None = None
) -> bytes:
    """A file of ``tensors``: type, shape and bytes of each."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, (datatype, shape, data) in tensors.items():
        header[name] = {"dtype": datatype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values())


def some_weights(*names: str) -> bytes:
    """A file of one number for each of ``names``."""
    return safetensors({name: ("F32", (1,), bytes(4)) for name in names})


def main(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file  # type: ignore[import-not-found]  # of PyTorch's Python

    (folder / "net.py").write_text(NET, encoding="utf-8")
    sys.path.insert(0, str(folder))
    from net import Net  # type: ignore[import-not-found]  # what was written just now

    torch.manual_seed(7)
    net = Net()
    rows = torch.randn(5, 4)
    for _ in range(3):  # so that its averages are not those that it began with
        net(rows + torch.randn(5, 4))
    net.eval()
    save_file(net.state_dict(), str(folder / "model.safetensors"), metadata={"format": "pt"})
    with torch.inference_mode():
        outputs = [one.tolist() for one in net(rows)]
    case = {"rows": rows.tolist(), "outputs": outputs}
    (folder / "case.json").write_text(json.dumps(case), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
