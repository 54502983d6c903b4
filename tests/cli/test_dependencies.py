"""Which libraries a model's service runs on, at the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.shell import Shell

_MODEL = Path(__file__).parents[1] / "tree_libraries" / "files" / "xgb-two.json"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """With a workspace that holds an XGBoost model, a list of libraries and a notebook."""
    shell = Shell(tmp_path)
    shell.init()
    folder = tmp_path / "source"
    folder.mkdir()
    shutil.copyfile(_MODEL, folder / "churn.json")
    (folder / "requirements.txt").write_text("pandas==2.2.1\n", encoding="utf-8")
    (folder / "train.py").write_text("import pandas, polars\n", encoding="utf-8")
    shell.run("migrate", str(folder), "--project", "churn")
    shell.run("model", "register", "churn:churn.json")
    return shell


def test_what_was_found_is_shown_and_what_is_chosen_is_there_in_the_package(shell: Shell) -> None:
    found = shell.json("model", "dependencies", "churn")
    assert [(one["project"], one["requirement"], one["file"]) for one in found["evidence"]] == [
        ("pandas", "pandas==2.2.1", "requirements.txt"),
        ("polars", "", "train.py"),
    ]
    assert found["locked"] == []
    before = shell.json("package", "churn")["package"]["requirements"]
    assert not {"pandas", "polars"} & {pin.partition("==")[0] for pin in before}

    chosen = shell.json("model", "dependencies", "churn", "--add", "Six == 1.16.0", "--add", "packaging>=24")

    assert chosen["model"]["dependencies"] == {
        "python_version": "",
        "requirements": ["packaging>=24", "six==1.16.0"],
    }
    assert chosen["locked"] == []  # the package of before is not what the next one will be
    after = shell.json("package", "churn")["package"]["requirements"]
    assert set(before) < set(after)
    assert "six==1.16.0" in after
    shown = shell.run("model", "dependencies", "churn").out.splitlines()
    assert shown[0] == "churn:1: XGBoost 3.2.0, Python 3.11 (assumed)"
    assert ["six", "==1.16.0", "1.16.0", "chosen"] in [line.split() for line in shown]
    assert ["pandas", "==2.2.1", "requirements.txt"] in [line.split() for line in shown]

    assert shell.json("model", "dependencies", "churn", "--remove", "six")["model"]["dependencies"]["requirements"] == [
        "packaging>=24"
    ]
    assert shell.json("model", "dependencies", "churn", "--reset")["model"].get("dependencies") is None
    assert shell.json("package", "churn")["package"]["requirements"] == before
    told = shell.run("model", "history", "churn").out
    assert "libraries   packaging>=24, six==1.16.0" in told
    assert told.rstrip().endswith("libraries   as found")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--add", "six==99"), 1, "there is no version of six==99"),
        (("--add", "xgboost==2.0.0"), 2, "was made with xgboost 3.2.0, and is run with that"),
        (("--add", "six @ https://example.org/six.whl"), 2, "is not a library and its version"),
        (("--add", "six~=1"), 2, "is not a library and its version"),
        (("--add", "six>=abc"), 2, "is not a library and its version"),
        (("--add", "--index-url=x"), 2, "is not a library and its version"),
        (("--python", "3.9"), 2, "cannot have Python 3.9"),
        (("--python", "/bin/sh"), 2, "cannot have Python /bin/sh"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_and_changes_nothing(
    shell: Shell, options: tuple[str, ...], code: int, said: str
) -> None:
    assert said in shell.run("model", "dependencies", "churn", *options, expect=code).err
    assert "libraries" not in shell.run("model", "history", "churn").out
