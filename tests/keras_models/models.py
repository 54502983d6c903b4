"""Makes a few small models with the Keras that is installed, saves them, and writes down what they answer. Run with its
Python: ``python models.py FOLDER``. In tests/keras_models/files lies what Keras 3.15.1 made of ``SMALL``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

SMALL = ("sequence", "operations", "nested")
"""Those that lie in tests/keras_models/files."""

_random = np.random.default_rng(5)
Made = tuple[str, Any, dict[str, Any]]


def main(folder: Path) -> None:
    keras.utils.set_random_seed(5)
    cases = {}
    for name, model, inputs in _models():
        for weight in model.weights:
            if weight.dtype.startswith("float"):  # away from zeros, as trained ones are
                weight.assign(np.asarray(weight) + 0.1 * _random.normal(size=weight.shape))
        model.save(folder / f"{name}.keras")
        arrays = {key: np.asarray(value) for key, value in inputs.items()}
        given = list(arrays.values())
        found = _flat(model(given if len(given) > 1 else given[0], training=False))
        cases[f"{name}.keras"] = {
            "inputs": {
                key: {"dtype": str(array.dtype), "shape": array.shape, "data": array.reshape(-1).tolist()}
                for key, array in arrays.items()
            },
            "outputs": [np.asarray(keras.ops.convert_to_numpy(one)).tolist() for one in found],
        }
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


def _flat(found: Any) -> list[Any]:
    """The outputs, of a table in the order of its keys, as Keras flattens them."""
    if isinstance(found, dict):
        return [found[key] for key in sorted(found)]
    return list(found) if isinstance(found, list | tuple) else [found]


def _floats(*shape: int) -> Any:
    return _random.normal(size=shape).astype("float32")


def _models() -> Iterator[Made]:
    normal = layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 1.0, 0.5])
    last = layers.Dense(3, activation="softmax", kernel_regularizer="l2")
    model = keras.Sequential([keras.Input((4,), name="row"), normal, layers.Dropout(0.5), last])
    model.compile("adam", "sparse_categorical_crossentropy")
    yield "sequence", model, {"row": _floats(6, 4)}

    age, income = keras.Input((1,), name="age"), keras.Input((1,), name="income")
    joined = layers.Dense(4, activation="gelu")(layers.Concatenate()([age, income]))
    outputs = [layers.Dense(1, activation="sigmoid", name="churn")(joined), layers.Dense(2, name="values")(joined)]
    yield "two-inputs", keras.Model([age, income], outputs), {"age": _floats(5, 1), "income": _floats(5, 1)}

    x = keras.Input((3,), name="x")
    y = ops.exp(ops.sin(x) * 2.0 + x[:, :1]) / (1.0 + ops.mean(x, axis=1, keepdims=True) ** 2)
    yield "operations", keras.Model(x, ops.concatenate([y, x], axis=1)), {"x": _floats(4, 3)}

    image = keras.Input((16, 16, 3), name="image")
    z = layers.Conv2D(8, 3, padding="same")(image)
    z = layers.LeakyReLU()(layers.BatchNormalization()(z))
    z = layers.DepthwiseConv2D(3)(layers.MaxPooling2D()(z))
    z = layers.GlobalAveragePooling2D()(layers.SeparableConv2D(4, 3)(z))
    yield "image", keras.Model(image, layers.Dense(5, activation="softmax")(z)), {"image": _floats(2, 16, 16, 3)}

    words = keras.Input((7,), dtype="int32", name="words")
    e = layers.Embedding(50, 8, mask_zero=True)(words)
    e = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(e)
    e = layers.GRU(5)(e)
    yield "words", keras.Model(words, layers.Dense(1)(e)), {"words": _random.integers(0, 50, (3, 7)).astype("int32")}

    tokens = keras.Input((6, 8), name="tokens")
    a = layers.MultiHeadAttention(2, 4)(tokens, tokens)
    a = layers.LayerNormalization()(layers.Add()([tokens, a]))
    a = layers.TimeDistributed(layers.Dense(3, activation="swish"))(a)
    yield "attention", keras.Model(tokens, layers.Flatten()(a)), {"tokens": _floats(2, 6, 8)}

    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="tanh")], name="inner")
    outer = keras.Input((4,), name="outer")
    yield (
        "nested",
        keras.Model({"only": outer}, {"b": inner(outer), "a": layers.Softmax()(outer)}),
        {"outer": _floats(2, 4)},
    )

    series = keras.Sequential([keras.Input((None, 2), name="series"), layers.Conv1D(3, 2), layers.GlobalMaxPooling1D()])
    yield "series", series, {"series": _floats(2, 9, 2)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
