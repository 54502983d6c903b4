"""What a pickle would build, as symbols: nothing here is ever imported, called or compared with foreign code.

Truth values, numbers, text, bytes, tuples and lists stand for themselves (bytes and text too long to matter are
``Omitted``). The rest is one of the classes below. Symbols may refer to themselves; whoever walks them needs a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Symbol = Any
"""None, bool, int, float, str, bytes, tuple, list, or one of the classes below."""


@dataclass(frozen=True, slots=True)
class Global:
    """``module.name`` as Python 3 would import it."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Omitted:
    """Bytes or text that were passed over: ``size`` bytes of the plain (not compressed) file, from byte ``at`` on."""

    size: int
    at: int = field(default=0, compare=False)


@dataclass(eq=False, slots=True, repr=False)
class Pairs:
    """A dict, as the pairs set in it, in order."""

    pairs: list[tuple[Symbol, Symbol]] = field(default_factory=list)


@dataclass(eq=False, slots=True, repr=False)
class Members:
    """A set or frozen set."""

    members: list[Symbol] = field(default_factory=list)


@dataclass(eq=False, slots=True, repr=False)
class Call:
    """``function(*arguments)``, and the state, items and pairs given to the result afterwards.

    With ``bare`` the function is a class, and only its ``__new__`` is called: what its ``__init__`` would do is not
    done. That is how instances of ordinary classes are pickled. ``told`` is what was read of a model in another form
    that the instance holds, an ``EstimatorView``.
    """

    function: Global
    arguments: tuple[Symbol, ...]
    bare: bool = False
    state: Symbol = None
    items: list[Symbol] = field(default_factory=list)
    pairs: list[tuple[Symbol, Symbol]] = field(default_factory=list)
    told: Any = None


@dataclass(eq=False, slots=True, repr=False)
class Array:
    """A numpy array. ``data`` is its bytes in C or Fortran ``order`` (None when large); an array of objects has its
    ``content`` instead: what the pickle nested in the file would build."""

    dtype: Symbol
    shape: tuple[int, ...]
    order: str
    data: bytes | None = None
    content: Symbol = None


def class_of(symbol: Symbol) -> str:
    """The full name of the class of which ``symbol`` is an instance, "" when it is no instance of a named class."""
    if not isinstance(symbol, Call):
        return ""
    if str(symbol.function) == "copyreg._reconstructor":
        made = symbol.arguments[0] if symbol.arguments else None
        return str(made) if isinstance(made, Global) else ""
    return str(symbol.function)


def attributes_of(symbol: Symbol) -> dict[str, Symbol]:
    """The attributes that the pickle gives to an instance."""
    if not isinstance(symbol, Call):
        return {}
    states = symbol.state if isinstance(symbol.state, tuple) and len(symbol.state) == 2 else (symbol.state,)
    found: dict[str, Symbol] = {}
    for state in states:
        found.update(entries_of(state))
    return found


def entries_of(symbol: Symbol) -> dict[str, Symbol]:
    """The entries of a dict (or a dict-like object) whose keys are text."""
    pairs = symbol.pairs if isinstance(symbol, Pairs | Call) else []
    return {key: value for key, value in pairs if isinstance(key, str)}
