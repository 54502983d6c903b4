"""Nodes of a skops description as symbols of pickles: each says with which of skops's loaders what is made.

Of the loaders of protocols 0 to 2 each has a method here, which makes what a pickle of the same object would have; so
that names, calls, states and attributes are judged by the same rules. What a node says and its loader does not heed
must be what skops writes there, or it is refused: no other reader shall see another model in the file. A part that is
there twice has one ``__id__`` and counts as it was first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.model_files.pickles.array_types import number_of
from kronkers_studio.packaging.model_files.pickles.pickle_reader import Findings, Forbidden
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Array, Call, Global, Members, Pairs, Symbol
from kronkers_studio.packaging.model_files.skops_files.stored_arrays import array_in, sparse_in
from kronkers_studio.packaging.model_files.zip_members import ZipMembers

_MISNAMED: Final = {"_loss": "sklearn._loss._loss"}  # what scikit-learn 1.6 and 1.7 call it; serving reads it alike
_DEEPEST = 100
_LONGEST_NAME = 300
_MOST_KEPT = 256 << 20  # bytes of models of tree libraries
_MOST_FILES = 20_000

_KEYS: Final[dict[str, Callable[[str], Symbol]]] = {
    "builtins.str": str,
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": bool,
    "numpy.str_": str,
    "numpy.bool": bool,
    "numpy.bool_": bool,
    **{f"numpy.{sign}int{bits}": int for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"numpy.float{bits}": float for bits in (16, 32, 64)},
}
"""The types of a dictionary's keys, which are texts in the file, and what is made of those."""
_TREE: Final = Global("sklearn.tree._tree", "Tree")
_PENDING: Final = object()


class NodeReader:
    """Reads nodes of one description. ``symbol`` raises ``Damaged``, ``TooMuch`` and ``Forbidden``."""

    def __init__(self, archive: ZipMembers, protocol: int, findings: Findings) -> None:
        self._archive = archive
        self._protocol = protocol
        self._findings = findings
        self._seen: dict[int, tuple[tuple[Any, ...], Symbol]] = {}
        self._files: dict[str, Symbol] = {}  # what was made of parts of the archive
        self._kept = 0

    def symbol(self, node: Any, depth: int = 0) -> Symbol:
        """What ``node`` stands for, and all below it."""
        if not isinstance(node, dict):
            raise Damaged("a part of its description is none of skops's")
        if depth > _DEEPEST:
            raise Forbidden("nests its data deeper than any model")
        loader, number = node.get("__loader__"), node.get("__id__")
        if number is not None and (type(number) is not int or number <= 0):
            raise Damaged("it numbers its parts otherwise than skops does")
        kind = (loader, node.get("__module__"), node.get("__class__"))
        if number in self._seen:
            return self._seen_before(number, kind)
        made = _LOADERS.get(loader) if isinstance(loader, str) else None
        if made is None:
            raise Damaged(f"it is to be loaded in the unknown way {printable(str(loader)[:60])}")
        if number is not None:
            self._seen[number] = kind, _PENDING
        found = made(self, node, depth + 1)
        if number is not None:
            self._seen[number] = kind, found
        return found

    def _seen_before(self, number: int, kind: tuple[Any, ...]) -> Symbol:
        known, found = self._seen[number]
        if found is _PENDING:
            raise Forbidden("has a part that holds itself, which skops does not write")
        if kind not in (known, ("CachedNode", *kind[1:])):
            raise Forbidden("calls two parts by one number, which skops does not do")
        return found

    # what is named
    def _global(self, node: dict[str, Any]) -> Global:
        module, name = node.get("__module__"), node.get("__class__")
        if not (isinstance(module, str) and isinstance(name, str)) or max(len(module), len(name)) > _LONGEST_NAME:
            raise Damaged("a part of its description has no class")
        if not (module.isprintable() and name.isprintable()):
            raise Damaged("a class in it has no name that can be written")
        return Global(_MISNAMED.get(module, module), name)

    def _named(self, node: dict[str, Any]) -> Global:
        found = self._global(node)
        self._findings.globals.setdefault(found)
        return found

    def _called(self, function: Global) -> Global:
        """``function``, noted before what it is called with is read: that could be damaged."""
        self._findings.globals.setdefault(function)
        self._findings.called.setdefault(function)
        return function

    def _require(self, node: dict[str, Any], *names: str) -> str:
        """The class of ``node``, when it is the one that skops writes for that loader."""
        found = str(self._global(node))
        if found not in names:
            raise Forbidden(f"has a part of {printable(found[:100])} that would become something else")
        return found

    def _call(
        self, function: Global, arguments: tuple[Symbol, ...], *, bare: bool = False, state: Symbol = None
    ) -> Call:
        call = Call(self._called(function), arguments, bare, state)
        self._findings.calls.append(call)
        return call

    # containers
    def _dict(self, node: dict[str, Any], depth: int) -> Symbol:
        content = node.get("content")
        if not isinstance(content, dict):
            raise Damaged("a dictionary in it has no entries")
        keys = _keys(node.get("key_types"), list(content))
        pairs = [(key, self.symbol(value, depth)) for key, value in zip(keys, content.values(), strict=True)]
        made = self._global(node)
        if str(made) == "builtins.dict":
            return Pairs(pairs)
        call = self._call(made, ())
        call.pairs = pairs
        return call

    def _default_dict(self, node: dict[str, Any], depth: int) -> Symbol:
        self._require(node, "collections.defaultdict")
        content = _entry(node, "content")
        main = self.symbol(content.get("main"), depth)
        factory = self.symbol(content.get("default_factory"), depth)
        if not isinstance(main, Pairs):
            raise Damaged("a dictionary in it has no entries")
        call = self._call(self._global(node), (factory,))
        call.pairs = main.pairs
        return call

    def _list(self, node: dict[str, Any], depth: int) -> Symbol:
        items = self._items(node, depth)
        made = self._global(node)
        return items if str(made) == "builtins.list" else self._call(made, (items,))

    def _set(self, node: dict[str, Any], depth: int) -> Symbol:
        items = self._items(node, depth)
        made = self._global(node)
        return Members(items) if str(made) == "builtins.set" else self._call(made, (items,))

    def _tuple(self, node: dict[str, Any], depth: int) -> Symbol:
        """A tuple of another class is a named one, or skops makes a plain one of it."""
        items = tuple(self._items(node, depth))
        made = self._global(node)
        return items if str(made) == "builtins.tuple" else self._call(made, items, bare=True)

    def _items(self, node: dict[str, Any], depth: int) -> list[Symbol]:
        content = node.get("content")
        if not isinstance(content, list):
            raise Damaged("a list in it has no items")
        return [self.symbol(item, depth) for item in content]

    # values
    def _json(self, node: dict[str, Any], _: int) -> Symbol:
        content = node.get("content")
        try:
            value = json.loads(content) if isinstance(content, str) else []
        except (ValueError, RecursionError):
            value = []
        if isinstance(value, list | dict):
            raise Damaged("a value in it is none of JSON's")
        return value

    def _bytes(self, node: dict[str, Any], _: int) -> Symbol:
        self._require(node, "builtins.bytes")
        return self._content(node)

    def _bytearray(self, node: dict[str, Any], _: int) -> Symbol:
        self._require(node, "builtins.bytearray")
        return self._call(Global("builtins", "bytearray"), (self._content(node),))

    def _content(self, node: dict[str, Any]) -> bytes:
        def read(name: str) -> bytes:
            data = self._archive.read(name, _MOST_KEPT - self._kept)
            self._kept += len(data)
            return data

        found: bytes = self._of_file(node, bytes, read)
        return found

    def _of_file(self, node: dict[str, Any], kind: type, read: Callable[[str], Symbol]) -> Any:
        """What ``read`` makes of the part that ``node`` names, once for each part."""
        name = node.get("file")
        if not isinstance(name, str) or not name.isprintable():
            raise Damaged("an array in it has no content")
        if name not in self._files:
            if len(self._files) >= _MOST_FILES:
                raise TooMuch("it holds more arrays than any model")
            self._files[name] = read(name)
        if not isinstance(self._files[name], kind):
            raise Forbidden("takes one of its parts for two things")
        return self._files[name]

    def _slice(self, node: dict[str, Any], _: int) -> Symbol:
        self._require(node, "builtins.slice")
        content = _entry(node, "content")
        return self._call(Global("builtins", "slice"), tuple(content.get(part) for part in ("start", "stop", "step")))

    # functions, types, and what is called
    def _function(self, node: dict[str, Any], _: int) -> Symbol:
        if self._protocol > 0:
            return self._named(node)
        content = _entry(node, "content")
        return self._named({"__module__": content.get("module_path"), "__class__": content.get("function")})

    def _type(self, node: dict[str, Any], _: int) -> Symbol:
        return self._named(node)

    def _partial(self, node: dict[str, Any], depth: int) -> Symbol:
        self._require(node, "functools.partial")
        made = self._called(Global("functools", "partial"))
        content = _entry(node, "content")
        parts = tuple(self.symbol(content.get(part), depth) for part in ("func", "args", "kwds", "namespace"))
        further = None if isinstance(parts[3], Pairs) and not parts[3].pairs else parts[3]
        return self._call(made, parts[:1], state=(*parts[:3], further))

    def _method(self, node: dict[str, Any], depth: int) -> Symbol:
        """A method of an object, by its name."""
        made = self._called(Global("builtins", "getattr"))
        content = _entry(node, "content")
        owner = self.symbol(content.get("obj"), depth)
        return self._call(made, (owner, content.get("func")))

    def _operator(self, node: dict[str, Any], depth: int) -> Symbol:
        """A function that Python's module operator makes: each runs programs, so that none is ever loaded."""
        made = self._called(Global("operator", self._global(node).name))
        given = self.symbol(node.get("attrs"), depth)
        return self._call(made, given if isinstance(given, tuple) else (given,))

    def _constructed(self, node: dict[str, Any], depth: int) -> Symbol:
        made = self._called(self._global(node))
        arguments = self.symbol(node.get("content"), depth)
        if not isinstance(arguments, tuple):
            raise Damaged("it calls something without arguments")
        return self._call(made, arguments)

    # objects
    def _object(self, node: dict[str, Any], depth: int) -> Symbol:
        made, content = self._called(self._global(node)), node.get("content")
        state = None if content is None else self.symbol(content, depth)
        return self._call(made, (), bare=True, state=state)

    def _tree(self, node: dict[str, Any], depth: int) -> Symbol:
        self._require(node, str(_TREE))
        return self._reduced(node, depth)

    def _loss(self, node: dict[str, Any], depth: int) -> Symbol:
        """Losses are made of their arguments and nothing else."""
        call = self._reduced(node, depth)
        if not (call.state in (None, ()) or (isinstance(call.state, Pairs) and not call.state.pairs)):
            raise Damaged("a loss in it has attributes")
        call.state = None
        return call

    def _reduced(self, node: dict[str, Any], depth: int) -> Call:
        made = self._called(self._global(node))
        state = self.symbol(node.get("content"), depth)
        arguments = self.symbol(_entry(node, "__reduce__").get("args"), depth)
        if not isinstance(arguments, tuple):
            raise Damaged("it calls something without arguments")
        return self._call(made, arguments, state=state)

    # numpy, scipy
    def _array(self, node: dict[str, Any], depth: int) -> Symbol:
        made = str(self._global(node))
        if node.get("type") == "json":
            self._require(node, "numpy.ndarray")
            return self._object_array(node, depth)
        if node.get("type") != "numpy":
            raise Damaged("an array in it is in no form of skops's")
        found = self._of_file(node, Array, lambda name: array_in(self._archive, name))
        if made == "numpy.ndarray" or (made == "numpy.matrix" and len(found.shape) == 2):
            return found
        scalar = Call(Global("numpy.core.multiarray", "scalar"), (found.dtype, found.data))
        if not made.startswith("numpy.") or found.shape != () or not _is_of(made, scalar):
            raise Forbidden(f"has an array that would be given to {printable(made[:100])}")
        return scalar

    def _object_array(self, node: dict[str, Any], depth: int) -> Array:
        shape = self.symbol(node.get("shape"), depth)
        if not isinstance(shape, tuple) or not shape or not all(type(one) is int and one >= 0 for one in shape):
            raise Damaged("an array in it has no shape")
        items = self._flat(node.get("content"), shape, depth)
        kind = Call(Global("numpy", "dtype"), ("O8", False, True), state=(3, "|", None, None, None, -1, -1, 63))
        made = (Global("numpy", "ndarray"), (0,), b"b")
        built = Call(Global("numpy.core.multiarray", "_reconstruct"), made, state=(1, shape, kind, False, items))
        return Array(kind, shape, "C", content=built)

    def _flat(self, content: Any, shape: tuple[int, ...], depth: int) -> list[Symbol]:
        """The items of lists in lists, which are as long as ``shape`` says."""
        if not isinstance(content, list) or len(content) != shape[0] or depth > _DEEPEST:
            raise Damaged("an array in it has other items than its shape needs")
        if len(shape) == 1:
            return [self.symbol(item, depth) for item in content]
        if any(not isinstance(row, dict) or row.get("__loader__") != "ListNode" for row in content):
            raise Damaged("an array in it has other items than its shape needs")
        return [item for row in content for item in self._flat(row.get("content"), shape[1:], depth + 1)]

    def _masked_array(self, node: dict[str, Any], depth: int) -> Symbol:
        self._require(node, "numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray")
        content = _entry(node, "content")
        held = [self.symbol(content.get(part), depth) for part in ("data", "mask")]
        return Call(Global("numpy.ma.core", "_mareconstruct"), (), state=(1, (2,), None, False, held))

    def _type_of_array(self, node: dict[str, Any], depth: int) -> Symbol:
        self._require(node, "numpy.dtype")
        empty = self.symbol(node.get("content"), depth)
        if not isinstance(empty, Array) or 0 not in empty.shape:
            raise Damaged("a type in it is in no form of skops's")
        return empty.dtype

    def _random_state(self, node: dict[str, Any], depth: int) -> Symbol:
        """As numpy's pickles have it."""
        self._require(node, "numpy.random.mtrand.RandomState")
        state = self.symbol(node.get("content"), depth)
        if not isinstance(state, Pairs) or dict(state.pairs).get("bit_generator") != "MT19937":
            raise Damaged("a generator of random numbers in it has no state")
        call = Call(Global("numpy.random._pickle", "__randomstate_ctor"), ("MT19937",), state=state)
        self._findings.calls.append(call)
        return call

    def _random_generator(self, node: dict[str, Any], depth: int) -> Symbol:
        """As numpy's pickles have it. What it was seeded with is of no use to a service."""
        self._require(node, "numpy.random._generator.Generator")
        state = self.symbol(_entry(node, "content").get("bit_generator"), depth)
        kind = dict(state.pairs).get("bit_generator") if isinstance(state, Pairs) else None
        call = Call(Global("numpy.random._pickle", "__generator_ctor"), (kind,), state=state)
        self._findings.calls.append(call)
        return call

    def _sparse(self, node: dict[str, Any], _: int) -> Symbol:
        made = self._global(node)
        if node.get("type") != "scipy":
            raise Damaged("a matrix in it is in no form of skops's")
        found = self._of_file(node, Call, lambda name: sparse_in(self._archive, name, made))
        if found.function != made:
            raise Forbidden("takes one of its parts for two things")
        self._findings.calls.append(found)
        self._findings.globals.setdefault(made)
        return found


def _keys(types: Any, texts: list[str]) -> list[Symbol]:
    """What a dictionary's keys are: skops calls the type of each with its text."""
    listed = types.get("content") if isinstance(types, dict) and types.get("__loader__") == "ListNode" else None
    if not isinstance(listed, list) or len(listed) != len(texts):
        raise Damaged("a dictionary in it has other keys than it says")
    made = []
    for kind, text in zip(listed, texts, strict=True):
        known = isinstance(kind, dict) and kind.get("__loader__") == "TypeNode"
        name = f"{kind.get('__module__')}.{kind.get('__class__')}" if known else ""
        if name not in _KEYS:
            raise Damaged(f"a dictionary in it has keys that are no texts or numbers ({printable(name[:60])})")
        try:
            made.append(_KEYS[name](text))
        except ValueError:
            raise Damaged("a dictionary in it has other keys than it says") from None
    return made


def _entry(node: dict[str, Any], name: str) -> dict[str, Any]:
    found = node.get(name)
    if not isinstance(found, dict):
        raise Damaged("a part of its description is none of skops's")
    return found


def _is_of(made: str, scalar: Call) -> bool:
    """Whether a single number or text of numpy's is of the class that it is said to be."""
    value, name = number_of(scalar), made.removeprefix("numpy.")
    if isinstance(value, bool):
        return name in ("bool", "bool_")
    if isinstance(value, int):
        return name.lstrip("u").startswith(("int", "long", "byte", "short"))
    return name.startswith("float") if isinstance(value, float) else isinstance(value, str) and name == "str_"


# The private methods below belong to the class of this module; the table is its second half.
_LOADERS: Final[dict[str, Callable[[NodeReader, dict[str, Any], int], Symbol]]] = {
    "DictNode": NodeReader._dict,
    "DefaultDictNode": NodeReader._default_dict,
    "ListNode": NodeReader._list,
    "SetNode": NodeReader._set,
    "TupleNode": NodeReader._tuple,
    "JsonNode": NodeReader._json,
    "BytesNode": NodeReader._bytes,
    "BytearrayNode": NodeReader._bytearray,
    "SliceNode": NodeReader._slice,
    "FunctionNode": NodeReader._function,
    "TypeNode": NodeReader._type,
    "PartialNode": NodeReader._partial,
    "MethodNode": NodeReader._method,
    "OperatorFuncNode": NodeReader._operator,
    "ConstructorFromReduceNode": NodeReader._constructed,
    "ObjectNode": NodeReader._object,
    "TreeNode": NodeReader._tree,
    "LossNode": NodeReader._loss,
    "NdArrayNode": NodeReader._array,
    "MaskedArrayNode": NodeReader._masked_array,
    "DTypeNode": NodeReader._type_of_array,
    "RandomStateNode": NodeReader._random_state,
    "RandomGeneratorNode": NodeReader._random_generator,
    "SparseMatrixNode": NodeReader._sparse,
}
