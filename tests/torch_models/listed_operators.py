"""Makes the list of operators that a TorchScript program may call: ``python listed_operators.py FILE``, with the Python
of an environment that has PyTorch. The list in the package was made with PyTorch 2.13.

Of the operators that PyTorch itself knows those of aten and prim are listed, but for what touches files, other programs
and other computers. The review rule: *nothing on the list reads or writes files, fetches, or calls Python.*
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

import torch

_LEFT_OUT = re.compile(
    r"from_file|save|load.*|profile.*|rpc_.*|.*Python.*|record_stream|_test.*|_triton.*|to_here|local_value|.*owner.*"
    r"|.*cuda.*|.*cudnn.*|.*miopen.*|.*mps.*"
)


def main(target: Path) -> None:
    known = {schema.name for schema in torch._C._jit_get_all_schemas()}
    text = ['"""What a TorchScript program may call. Made by tests/torch_models/listed_operators.py: do not edit."""']
    text += ["", "from __future__ import annotations", "", "from typing import Final"]
    for name, space in (("ATEN", "aten::"), ("PRIM", "prim::")):
        names = sorted(each.removeprefix(space) for each in known if each.startswith(space))
        listed = " ".join(each for each in names if not _LEFT_OUT.fullmatch(each))
        lines = textwrap.wrap(listed, 116, break_long_words=False, break_on_hyphens=False)
        text += [
            "",
            f"{name}: Final = frozenset(",
            '    """',
            *(f"    {line}" for line in lines),
            '    """.split()',
            ")",
        ]
    target.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
