"""Reading files of skops, by what the package's allowlist names, and without skops.

The packaging room read each node of the file's description and judged what it would make. Here the same nodes make it:
the ways to load that skops has are carried out one by one, each class and function comes through the fence of pickles,
and a part that is there twice is what it was first. skops itself would take what its own lists trust, and import what
a search drew its parameters from (docs/decisions/0029-files-of-skops.md).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any, BinaryIO

import numpy as np

from kronkers_studio.serving.frameworks.scikit_learn.unpickling import allowed_global, guarded
from kronkers_studio.serving.problems import CannotStart

_MISSING = object()
_PROTOCOLS = (0, 1, 2)
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_KEYS: dict[str, Callable[[str], Any]] = {
    "builtins.str": str,
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": bool,
    "numpy.str_": np.str_,
    "numpy.bool": np.bool_,
    "numpy.bool_": np.bool_,
    **{f"numpy.{sign}int{bits}": getattr(np, f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"numpy.float{bits}": getattr(np, f"float{bits}") for bits in (16, 32, 64)},
}


def load_skops(stream: BinaryIO, allowed: Collection[str]) -> Any:
    """The object that skops saved to ``stream``. Raises ``CannotStart`` when it needs a global outside ``allowed``."""

    def load() -> Any:
        with zipfile.ZipFile(stream) as archive:
            schema = json.loads(archive.read("schema.json"))
            if schema["protocol"] not in _PROTOCOLS:
                raise CannotStart("The model file is in a newer form of skops than this service knows.")
            return _Builder(archive, schema["protocol"], allowed).built(schema)

    return guarded(load)


class _Builder:
    """Makes the objects of one description, in its order."""

    def __init__(self, archive: zipfile.ZipFile, protocol: int, allowed: Collection[str]) -> None:
        self._archive = archive
        self._protocol = protocol
        self._allowed = allowed
        self._known: dict[int, Any] = {}

    def built(self, node: dict[str, Any]) -> Any:
        """What ``node`` stands for."""
        number = node.get("__id__")
        found = _MISSING if number is None else self._known.get(number, _MISSING)
        if found is not _MISSING:
            return found
        made = _LOADERS.get(node["__loader__"])
        if made is None:
            raise CannotStart(f"The model file wants to be loaded in the unknown way {node['__loader__']!r}.")
        found = made(self, node)
        if number is not None:
            self._known[number] = found
        return found

    def _global(self, module: str, name: str) -> Any:
        return allowed_global(module, name, self._allowed)

    def _class(self, node: dict[str, Any]) -> Any:
        return self._global(node["__module__"], node["__class__"])

    def _listed(self, nodes: list[dict[str, Any]]) -> list[Any]:
        return [self.built(node) for node in nodes]

    # containers
    def _dict(self, node: dict[str, Any]) -> Any:
        made = {} if _is(node, "builtins.dict") else self._class(node)()
        types = node["key_types"]["content"]
        for kind, (text, value) in zip(types, node["content"].items(), strict=True):
            made[_KEYS[f"{kind['__module__']}.{kind['__class__']}"](text)] = self.built(value)
        return made

    def _default_dict(self, node: dict[str, Any]) -> Any:
        main = self.built(node["content"]["main"])
        return defaultdict(self.built(node["content"]["default_factory"]), main)

    def _list(self, node: dict[str, Any]) -> Any:
        items = self._listed(node["content"])
        return items if _is(node, "builtins.list") else self._class(node)(items)

    def _set(self, node: dict[str, Any]) -> Any:
        items = self._listed(node["content"])
        return set(items) if _is(node, "builtins.set") else self._class(node)(items)

    def _tuple(self, node: dict[str, Any]) -> Any:
        items = self._listed(node["content"])
        if _is(node, "builtins.tuple"):
            return tuple(items)
        kind = self._class(node)
        return kind.__new__(kind, *items)

    # values
    def _json(self, node: dict[str, Any]) -> Any:
        return json.loads(node["content"])

    def _bytes(self, node: dict[str, Any]) -> bytes:
        return self._archive.read(node["file"])

    def _bytearray(self, node: dict[str, Any]) -> bytearray:
        return bytearray(self._bytes(node))

    def _slice(self, node: dict[str, Any]) -> slice:
        return slice(*(node["content"][part] for part in ("start", "stop", "step")))

    # functions, types, and what is called
    def _function(self, node: dict[str, Any]) -> Any:
        if self._protocol > 0:
            return self._class(node)
        return self._global(node["content"]["module_path"], node["content"]["function"])

    def _type(self, node: dict[str, Any]) -> Any:
        return self._class(node)

    def _partial(self, node: dict[str, Any]) -> Any:
        parts = [self.built(node["content"][part]) for part in ("func", "args", "kwds", "namespace")]
        made = self._global("functools", "partial")(parts[0])
        made.__setstate__((*parts[:3], parts[3] or None))
        return made

    def _method(self, node: dict[str, Any]) -> Any:
        owner = self.built(node["content"]["obj"])
        return self._global("builtins", "getattr")(owner, node["content"]["func"])

    def _constructed(self, node: dict[str, Any]) -> Any:
        return self._class(node)(*self.built(node["content"]))

    # objects
    def _object(self, node: dict[str, Any]) -> Any:
        kind = self._class(node)
        made = kind.__new__(kind)
        state = self.built(node["content"]) if node.get("content") is not None else None
        if state is None:
            return made
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
        else:
            made.__dict__.update(state)
        return made

    def _reduced(self, node: dict[str, Any]) -> Any:
        state = self.built(node["content"])
        made = self._class(node)(*self.built(node["__reduce__"]["args"]))
        if state:
            made.__setstate__(state)
        return made

    # numpy, scipy
    def _array(self, node: dict[str, Any]) -> Any:
        if node["type"] == "json":
            return self._object_array(node)
        found = np.load(io.BytesIO(self._archive.read(node["file"])), allow_pickle=False)
        if _is(node, "numpy.matrix"):
            return found.view(np.matrix)
        return found if _is(node, "numpy.ndarray") else found[()]

    def _object_array(self, node: dict[str, Any]) -> Any:
        shape = self.built(node["shape"])
        items = node["content"]
        for _ in shape[1:]:
            items = [item for row in items for item in row["content"]]
        made = np.empty(len(items), dtype=object)
        for place, item in enumerate(items):
            made[place] = self.built(item)
        return made.reshape(shape)

    def _masked_array(self, node: dict[str, Any]) -> Any:
        return np.ma.MaskedArray(self.built(node["content"]["data"]), self.built(node["content"]["mask"]))

    def _type_of_array(self, node: dict[str, Any]) -> Any:
        return self.built(node["content"]).dtype

    def _random_state(self, node: dict[str, Any]) -> Any:
        made = np.random.RandomState()
        made.set_state(self.built(node["content"]))
        return made

    def _random_generator(self, node: dict[str, Any]) -> Any:
        state = self.built(node["content"]["bit_generator"])
        if state["bit_generator"] not in _BIT_GENERATORS:
            raise CannotStart("The model file asks for a generator of random numbers that numpy does not have.")
        made = getattr(np.random, state["bit_generator"])(0)
        made.state = state
        return np.random.Generator(made)

    def _sparse(self, node: dict[str, Any]) -> Any:
        from scipy.sparse import load_npz

        return load_npz(io.BytesIO(self._archive.read(node["file"])))


def _is(node: dict[str, Any], name: str) -> bool:
    return f"{node['__module__']}.{node['__class__']}" == name


_LOADERS: dict[str, Callable[[_Builder, dict[str, Any]], Any]] = {
    "DictNode": _Builder._dict,
    "DefaultDictNode": _Builder._default_dict,
    "ListNode": _Builder._list,
    "SetNode": _Builder._set,
    "TupleNode": _Builder._tuple,
    "JsonNode": _Builder._json,
    "BytesNode": _Builder._bytes,
    "BytearrayNode": _Builder._bytearray,
    "SliceNode": _Builder._slice,
    "FunctionNode": _Builder._function,
    "TypeNode": _Builder._type,
    "PartialNode": _Builder._partial,
    "MethodNode": _Builder._method,
    "ConstructorFromReduceNode": _Builder._constructed,
    "ObjectNode": _Builder._object,
    "TreeNode": _Builder._reduced,
    "LossNode": _Builder._reduced,
    "NdArrayNode": _Builder._array,
    "MaskedArrayNode": _Builder._masked_array,
    "DTypeNode": _Builder._type_of_array,
    "RandomStateNode": _Builder._random_state,
    "RandomGeneratorNode": _Builder._random_generator,
    "SparseMatrixNode": _Builder._sparse,
}
