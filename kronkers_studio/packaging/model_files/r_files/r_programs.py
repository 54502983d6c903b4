"""What an R model has no use for: parts that would run a program once somebody only looks at the model.

A promise is a computation that R runs when it is read; R keeps them among a function's variables, and nowhere else
(CVE-2024-27322 puts one in their place: as the model itself, or in a list). A variable that is computed whenever it is
read is in no model that can be served here. A formula's own calls are run on the rows, which is what they are for, and
name nothing that reads files or starts programs. All else, such as functions among a formula's variables, runs only
when it is called, and only in the container.
"""

from __future__ import annotations

from collections.abc import Iterator

from kronkers_studio.packaging.model_files.r_files.r_values import Kind, Value

_PROGRAMS = frozenset(
    {
        *("system", "system2", "shell", "shell.exec", "pipe", "fifo", "socketConnection", "url", "file", "gzfile"),
        *("eval", "evalq", "eval.parent", "parse", "str2lang", "str2expression", "source", "sys.source", "do.call"),
        *("readRDS", "unserialize", "load", "attach", "library", "require", "requireNamespace", "loadNamespace"),
        *("dyn.load", "download.file", "readLines", "writeLines", "readline", "scan", "unlink", "file.remove"),
        *("file.copy", "file.rename", "setwd", "Sys.setenv", "Sys.getenv", "quit", "q", "install.packages"),
        *(".Call", ".External", ".External2", ".C", ".Fortran", ".Internal", "assign", "delayedAssign"),
        *("makeActiveBinding", "reg.finalizer", "on.exit", "sink", "save", "saveRDS", "write", "write.csv", "dput"),
        *("getFromNamespace", "getNamespace", "asNamespace"),
    }
)
"""Functions that no formula calls."""


def misuse_in(root: Value) -> str:
    """Why the object is refused, as a clause after its name; "" when there is no reason."""
    if root.kind is Kind.PROMISE:
        return "is a computation that R would run as soon as somebody looks at it"
    for value, in_variables in _values(root):
        if value.active:
            return "holds a variable that runs a program whenever it is read"
        if value.kind is Kind.PERSISTENT:
            return "refers to what is not in the file"
        if not in_variables and any(isinstance(item, Value) and item.kind is Kind.PROMISE for item in value.items):
            return "holds a computation where a model has a value: R would run it as soon as somebody looks at it"
        if any(found.kind is Kind.PROMISE for found in value.attributes.values()):
            return "holds a computation where a model has a value: R would run it as soon as somebody looks at it"
    return ""


def program_in(call: Value) -> str:
    """The function that reads files, starts programs or the like and is called in ``call``; "" when none is."""
    for value, _ in _values(call, code_only=True):
        if value.kind is not Kind.CALL or not value.items:
            continue
        name = called(value)
        if name in _PROGRAMS:
            return name
    return ""


def called(call: Value) -> str:
    """The name of the function that is called, without its package; "" for one that is computed."""
    head = call.items[0]
    if head.kind is Kind.CALL and len(head.items) == 3 and head.items[0].name in ("::", ":::"):
        head = head.items[2]
    return head.name or next((text for text in head.texts), "")


def _values(root: Value, *, code_only: bool = False) -> Iterator[tuple[Value, bool]]:
    """Every value in ``root``, each once, and whether what is in it are a function's variables."""
    waiting = [(root, False)]
    seen: set[int] = set()
    while waiting:
        value, in_variables = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield value, in_variables
        if code_only and value.kind is Kind.ENVIRONMENT:
            continue
        inside = [item for item in value.items if isinstance(item, Value)]
        if value.kind is Kind.ENVIRONMENT:
            enclosure, frame, hashed = inside
            chains = [chain for chain in hashed.items if isinstance(chain, Value)]
            waiting += [(enclosure, False), (frame, True), (hashed, False), *((chain, True) for chain in chains)]
        else:
            waiting += [(item, item.kind is Kind.DOTS) for item in inside]
        if not code_only:
            waiting += [(attribute, False) for attribute in value.attributes.values()]
