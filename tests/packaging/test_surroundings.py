from collections.abc import Callable

import pytest

from kronkers_studio.packaging.environment_hints import is_version, read_surroundings


def texts(files: dict[str, str]) -> dict[str, Callable[[], bytes]]:
    return {name: text.encode for name, text in files.items()}


HEADER = (
    '# /// script\n# requires-python = ">=3.12,<3.13"\n# dependencies = ["numpy==2.1.0", "pandas>2"]\n# ///\nx = 1\n'
)


@pytest.mark.parametrize(
    ("files", "python"),
    [
        ({}, ""),
        ({".python-version": "3.12.4\n"}, "3.12"),
        ({".python-version": "cpython-3.10.2"}, "3.10"),
        ({"runtime.txt": "python-3.12.1"}, "3.12"),
        ({"train.py": HEADER}, "3.12"),
        ({"train.py": HEADER.replace("\n", "\r\n")}, "3.12"),
        ({"train.py": HEADER, ".python-version": "3.13"}, "3.13"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.9"\n'}, "3.11"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.13"\n'}, "3.13"),
        ({"pyproject.toml": '[project]\nrequires-python = "<3.10"\n'}, "3.9"),
        ({"pyproject.toml": '[project]\nrequires-python = "~=3.12.0"\n'}, "3.12"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.10,!=3.11.*"\n'}, "3.10"),
        ({"pyproject.toml": '[project]\nrequires-python = "==3.12.4"\n'}, "3.12"),
        ({"pyproject.toml": '[project]\nrequires-python = ">3.12.2,<3.12.9"\n'}, "3.12"),
        ({"pyproject.toml": '[project]\nrequires-python = "<3.12,>=3.12"\n'}, ""),
        ({"pyproject.toml": '[project]\nrequires-python = "^3.12"\n'}, ""),
        ({"pyproject.toml": '[project]\nrequires-python = ""\n'}, ""),
        ({"pyproject.toml": "not toml ["}, ""),
        ({".python-version": "pypy3.9"}, ""),
    ],
)
def test_the_python_version_is_found_where_it_is_named(files: dict[str, str], python: str) -> None:
    assert read_surroundings(texts(files)).python == python


def test_only_exact_versions_count_as_pins() -> None:
    requirements = """
        # what the model was trained with
        numpy==2.4.6
        Scikit_Learn == 1.9.1  # the framework
        pandas>=2
        requests[socks]==2.32.0 ; python_version > "3"
        scipy==1.*
        -e git+https://example.org/x#egg=x
        joblib==1.6.0 --hash=sha256:00
        joblib==1.5.0  # the first line counts
        onnx==one
        skops===0.13
        cloudpickle>=3,==3.1
        torch @ file:///wheels/torch.whl
        orjson==3.11.0 \\
            --hash=sha256:11
    """
    assert read_surroundings(texts({"requirements.txt": requirements})).pins == {
        "numpy": "2.4.6",
        "scikit-learn": "1.9.1",
        "requests": "2.32.0",
        "joblib": "1.6.0",
        "skops": "0.13",
        "orjson": "3.11.0",
    }


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *[(text, True) for text in ("1.5.2", "1.9.dev0", "1.4.0rc1", "0.24.2.post1", "1.3.0+local.1")],
        *[(text, False) for text in ("", "1.5\n", " 1.5", "1.5 @ file:///x", "1.5poſt1", "1.5; x", "new", "1.*")],
    ],
)
def test_a_version_is_told_from_what_is_none(text: str, is_one: bool) -> None:
    """Seen to fail without the look at spaces: a version read from a model goes into a file that uv reads."""
    assert is_version(text) is is_one


def test_requirements_win_over_a_scripts_header() -> None:
    assert read_surroundings(texts({"train.py": HEADER})).pins == {"numpy": "2.1.0"}
    assert read_surroundings(texts({"train.py": HEADER, "requirements.txt": "numpy==2.2.0"})).pins == {"numpy": "2.2.0"}


def test_what_windows_editors_write_is_read_and_what_is_no_text_says_nothing() -> None:
    files: dict[str, Callable[[], bytes]] = {
        "requirements.txt": lambda: "numpy==2.4.6\r\n".encode("utf-16"),
        ".python-version": lambda: b"\xef\xbb\xbf3.12\r\n",
        "broken.py": lambda: b"\xff\x00\xfe",
    }
    found = read_surroundings(files)

    assert (found.python, dict(found.pins)) == ("3.12", {"numpy": "2.4.6"})


@pytest.mark.parametrize("line", ["numpy==" + "1" * 5000, "a" * 100_000 + "==1", "numpy==1." + "9" * 4400])
def test_a_line_longer_than_any_library_says_nothing(line: str) -> None:
    assert read_surroundings(texts({"requirements.txt": line})).pins == {}
