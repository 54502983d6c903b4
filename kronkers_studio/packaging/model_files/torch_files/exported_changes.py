"""Whether an exported program changes its own weights while it answers, so that one request would tell in the next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kronkers_studio.packaging.byte_reader import Damaged

_CHANGES: Final = re.compile(r"torch\.ops\.aten\.\w*[a-z0-9]_\.\w+")
_VIEWS: Final = re.compile(
    r"torch\.ops\.aten\.(?:alias|as_strided|detach|diagonal|expand|flatten|narrow|permute|reshape|select|slice|squeeze"
    r"|t|transpose|unflatten|unsqueeze|view|view_as)\.\w+"
)


def require_unchanged(graph: Mapping[str, Any], weights: Iterable[str]) -> None:
    """Raise ``Damaged`` when ``graph`` writes into one of ``weights``, also through a view or in a part that runs in a
    mode of its own. PyTorch lists in the signature only what a decomposed program changes."""
    held = set(weights)
    for node in graph["nodes"]:
        target, given = node["target"], [one["arg"] for one in node["inputs"]]
        first = _tensor(given[0]) if given else ""
        if first in held and _CHANGES.fullmatch(target):
            raise Damaged("it changes its own weights while it answers: not supported yet")
        if first in held and _VIEWS.fullmatch(target):
            held.update(map(_tensor, node["outputs"]))
        for place, argument in enumerate(given):
            if "as_graph" in argument:
                inner = argument["as_graph"]["graph"]
                passed = zip(inner["inputs"], given[place + 1 :], strict=False)
                require_unchanged(inner, [_tensor(inside) for inside, outside in passed if _tensor(outside) in held])


def _tensor(argument: Mapping[str, Any]) -> str:
    return str((argument.get("as_tensor") or {}).get("name", ""))
