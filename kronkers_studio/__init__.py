"""Kronkers Studio: from a OneDrive folder to a monitored model service on your own servers.

In a notebook, ``open`` of this package opens a workspace (docs/notebooks.md). It is loaded when first named: the
command and the program in the container import this package too.
"""

__version__ = "0.1.0"
_NOTEBOOK = ("Model", "Project", "Workspace", "open")


def __getattr__(name: str) -> object:
    if name not in _NOTEBOOK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("kronkers_studio.notebook"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_NOTEBOOK])
