import json
import time
from collections.abc import Callable

import pytest

from kronkers_studio.packaging import find_evidence
from kronkers_studio.packaging.environment_hints import Surroundings, read_surroundings


def told(files: dict[str, str]) -> list[tuple[str, str, str]]:
    """Library, what is asked for, and which file says so."""
    beside: dict[str, Callable[[], bytes]] = {name: text.encode for name, text in files.items()}
    return [(one.project, one.requirement, one.file) for one in find_evidence(beside)]


def notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "Pandas==2.2.1\nnumpy>=1,<2  # as trained\n-e .\n"}, ["pandas==2.2.1", "numpy<2,>=1"]),
        ({"requirements-dev.txt": "polars"}, ["polars"]),
        ({"notes.txt": "pandas==1"}, []),
        ({"pyproject.toml": '[project]\ndependencies = ["a-b>2"]\n'}, ["a-b>2"]),
        (
            {
                "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\npandas = "2.2.1"\n'
                'lightgbm = {version = ">=4", extras = ["x"]}\nnumpy = "^1.2"\n'
            },
            ["pandas==2.2.1", "lightgbm>=4", "numpy"],
        ),
        ({"pyproject.toml": "not toml ["}, []),
        (
            {
                "conda.yaml": "dependencies:\n- python=3.11.4\n- pandas=2.2.1=py311\n- conda-forge::xgboost\n- pip:\n"
                "  - mlflow==2.9\n"
            },
            ["pandas==2.2.1", "xgboost", "mlflow==2.9"],
        ),
        ({"train.py": '# /// script\n# dependencies = ["polars>1"]\n# ///\nimport polars\n'}, ["polars>1"]),
    ],
)
def test_what_lists_of_libraries_say(files: dict[str, str], expected: list[str]) -> None:
    assert [requirement for _, requirement, _ in told(files)] == expected


def test_what_code_and_notebooks_import_is_told_by_its_name_on_indexes() -> None:
    files = {
        "train.py": "import os, sklearn.metrics\nfrom PIL import Image\nfrom . import near\nimport helper\n",
        "helper.py": "import yaml\n",
        "look.ipynb": notebook(
            "%pip install x\nimport pandas as pd\n!ls", "not python (", "import polars\nimport json"
        ),
    }

    assert told(files) == [
        ("pyyaml", "", "helper.py"),
        ("pandas", "", "look.ipynb"),
        ("polars", "", "look.ipynb"),
        ("scikit-learn", "", "train.py"),
        ("pillow", "", "train.py"),
    ]


def test_what_is_listed_is_not_told_again_where_it_is_imported() -> None:
    assert told({"requirements.txt": "pandas==2.2.1", "a.py": "import pandas"}) == [
        ("pandas", "pandas==2.2.1", "requirements.txt")
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "(" * 10_000),
        ("a.py", "import \0"),
        ("a.ipynb", "[" * 100_000),
        ("a.ipynb", '{"cells": {"source": 1}}'),
        ("a.ipynb", '{"cells": [1, {"cell_type": "code"}, {"cell_type": "code", "source": {"a": 1}}]}'),
        ("conda.yaml", "- " * 100_000),
        ("requirements.txt", "a" * 100_000 + "==" + "1" * 100_000),
        ("pyproject.toml", "[tool.poetry.dependencies]\na = 1\n"),
    ],
)
def test_files_that_are_not_what_their_name_says_say_nothing(name: str, text: str) -> None:
    assert [one for one in told({name: text}) if len(one[0]) < 1000] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", b"x = " + b"9" * 10_000),
        ("pyproject.toml", b"a" + b".a" * 100_000 + b" = 1\n"),
        ("model.py", b"# /// script\n# x = " + b"9" * 10_000 + b"\n# ///\n"),
        ("requirements.txt", b"a; " + b"(" * 900 + b"\n"),
        ("requirements.txt", b"-r a\n" * 1_000_000),
    ],
)
def test_a_hostile_file_says_nothing_and_takes_little_time(name: str, content: bytes) -> None:
    started = time.monotonic()

    assert find_evidence({name: lambda: content}) == ()
    assert read_surroundings({name: lambda: content}) == Surroundings("", {})

    assert time.monotonic() - started < 20


def test_commands_in_a_notebook_do_not_hide_what_its_cells_import() -> None:
    cells = (
        "if True:\n    !pip install polars\nimport pandas",
        "%%bash\nimport nothing",
        "%matplotlib inline\nimport scipy",
    )

    assert [project for project, _, _ in told({"a.ipynb": notebook(*cells)})] == ["pandas", "scipy"]
