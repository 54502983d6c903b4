"""One face for every framework: what a loaded model takes and gives, and how it is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np

from kronkers_studio.serving.signature import Signature

Arrays = Mapping[str, np.ndarray[Any, Any]]


class Model(Protocol):
    """A loaded model. Its methods may be called from several threads at once.

    ``signature`` is the manifest's, completed by what the loaded model knows of itself. ``label`` and
    ``probabilities`` name outputs ("" when it gives no probabilities); ``classes`` are the names of the probabilities'
    columns. ``takes_missing`` says whether NaN is a value like any other for it.
    """

    signature: Signature
    label: str
    probabilities: str
    classes: tuple[str, ...]
    takes_missing: bool

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        """The ``wanted`` outputs for ``inputs``, which hold one checked array for each input of the signature, in its
        order; for a signature that is not ``by_tensor``, all of the same first length. Raises ``Refusal`` for values
        that only the model can tell are wrong. May raise anything that the framework raises."""
