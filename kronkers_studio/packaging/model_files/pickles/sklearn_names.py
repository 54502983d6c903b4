"""The names in scikit-learn that a model may use, and which of them rebuild compiled objects.

The names themselves are in ``listed_names``, which is made from the libraries.
"""

from __future__ import annotations

from typing import Final

from kronkers_studio.packaging.model_files.pickles.listed_names import CLASSES, FUNCTIONS, SPECIAL, UFUNCS

__all__ = [
    "CALLED_MODULES",
    "CLASSES",
    "FUNCTIONS",
    "NAMED_TUPLES",
    "REBUILDING_MODULES",
    "SPECIAL",
    "UFUNCS",
    "words",
]


def words(text: str) -> frozenset[str]:
    """The words of ``text``."""
    return frozenset(text.split())


REBUILDING_MODULES: Final = {
    "newObj": (
        "sklearn.metrics._dist_metrics",
        "sklearn.neighbors._ball_tree",
        "sklearn.neighbors._dist_metrics",
        "sklearn.neighbors._kd_tree",
    ),
    "__pyx_unpickle_": ("sklearn._loss._loss", "sklearn.linear_model._sgd_fast"),
}
"""Where compiled code defines the functions that rebuild its objects."""

CALLED_MODULES: Final = ("sklearn._loss._loss", "sklearn.linear_model._sgd_fast")
"""Where compiled classes are rebuilt by calling them with a few numbers."""

NAMED_TUPLES: Final = frozenset({"_ImputerTriplet"})
"""Named tuples among the classes: the content is an argument."""
