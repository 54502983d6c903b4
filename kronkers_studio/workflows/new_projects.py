"""A small project that works at once, in Python, R or Julia: made from the bundled files, and tracked from its first
version on."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import AlreadyExists, FileUnwritable, InvalidInput
from kronkers_studio.domain.naming import is_model_name
from kronkers_studio.domain.new_projects import Language, NewProject
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.working_copies import WorkingCopy
from kronkers_studio.settings.paths import resource, uv_program
from kronkers_studio.workflows.copy_places import place_remark, refuse_unsuitable, unused_folder
from kronkers_studio.workflows.saved_copies import save_as_next
from kronkers_studio.workflows.session import Session

_NAME = re.compile(r"[a-z][a-z0-9._-]*[a-z0-9]")
_DOT = "dot-"
_TRAINING_ROWS, _TEST_ROWS = 240, 60
_COLUMNS = ("temperature", "vibration", "load")


def new_project(
    session: Session,
    language: Language,
    name: str,
    *,
    within: Path | None = None,
    project: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> NewProject:
    """Make the folder ``name`` (in ``within``, else where the settings say) with a project that trains a model of that
    name, and its first version; the folder is a working copy of it.

    Raises ``InvalidInput`` for a name that a model or a folder cannot have and for a folder that is not empty,
    ``AlreadyExists`` when there is such a ``project`` (by default of the same name), ``FileUnwritable``: nothing was
    made then.
    """
    from kronkers_studio.migration.folder_paths import absolute_folder

    _check_name(name)
    project = project or name
    if any(each.name == project for each in session.workspace.content.projects()):
        raise AlreadyExists(
            f"There is a project “{project}” already.",
            next_step=f"`kronkers checkout {_word(project)}` gets its files; or choose another name.",
        )
    folder = absolute_folder(within) / name if within is not None else unused_folder(session, name)
    refuse_unsuitable(session, folder)
    was_there = folder.exists()
    files = project_files(language, name, project)
    try:
        _write(folder, files)
        copy = WorkingCopy(str(folder), project, DEFAULT_BRANCH, "")
        saved = save_as_next(session, copy, f"A new project in {language.label}", progress, cancel)
    except BaseException:
        _take_back(folder, files, was_there=was_there)
        raise
    steps = _steps(language, name, project, folder)
    return NewProject(saved.copy, language, name, tuple(files), steps, place_remark(folder))


def project_files(language: Language, name: str, project: str) -> dict[str, bytes]:
    """The files of a new project by path, with their names filled in."""
    top = resource("templates") / language.value
    words = {
        "@NAME@": name,
        "@PROJECT_WORD@": _word(project),
        "@TITLE@": re.sub(r"[._-]+", " ", name).capitalize(),
        "@PACKAGE@": re.sub(r"[._-]+", "-", name),
        "@RPACKAGE@": re.sub(r"[._-]+", ".", name),
    }
    files = {}
    for file in sorted(top.rglob("*")):
        if file.is_file():
            parts = [
                part.replace(_DOT, ".", 1) if part.startswith(_DOT) else part for part in file.relative_to(top).parts
            ]
            files[_filled("/".join(parts), words)] = _filled(file.read_text(encoding="utf-8"), words).encode()
    rows = list(_rows(_TRAINING_ROWS + _TEST_ROWS))
    files["data/train.csv"] = _table(rows[:_TRAINING_ROWS])
    files["data/test.csv"] = _table(rows[_TRAINING_ROWS:])
    asked = [dict(zip(_COLUMNS, map(float, row), strict=False)) for row in rows[-2:]]
    files["rows.json"] = (json.dumps({"rows": asked}, indent=2) + "\n").encode()
    return files


def _check_name(name: str) -> None:
    if not is_model_name(name) or not _NAME.fullmatch(name) or ".." in name:
        raise InvalidInput(
            f"“{printable(name[:80])}” is no name for a model and its folder.",
            next_step="Take letters a to z, digits, - . and _, beginning with a letter, such as “machine-failure”.",
        )


def _filled(text: str, words: dict[str, str]) -> str:
    """Each word put in once: what is put in is not looked through again."""
    return re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], text)


def _rows(count: int) -> Iterator[tuple[str, ...]]:
    """Machines, and whether each failed: hot ones that shake and are loaded do so more often. The same every time."""
    chance = random.Random(2026)  # noqa: S311  # no secret is made of it
    for _ in range(count):
        temperature, vibration, load = chance.gauss(70, 10), chance.gauss(0.5, 0.15), chance.uniform(20, 100)
        score = 0.12 * (temperature - 70) + 9 * (vibration - 0.5) + 0.03 * (load - 60) + chance.gauss(0, 0.6)
        yield f"{temperature:.1f}", f"{vibration:.3f}", f"{load:.0f}", "yes" if score > 0 else "no"


def _table(rows: list[tuple[str, ...]]) -> bytes:
    return "".join(f"{','.join(row)}\n" for row in [(*_COLUMNS, "failure"), *rows]).encode()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        for path, content in files.items():
            file = folder.joinpath(*path.split("/"))
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as stream:
                stream.write(content)
    except OSError as error:
        raise FileUnwritable(
            f"The project cannot be written into {printable(str(folder))}: {error.strerror or error}.",
            next_step="Choose another folder, with --in.",
        ) from None


def _take_back(folder: Path, files: dict[str, bytes], *, was_there: bool) -> None:
    """Nothing else can be in it: it was new, or empty; then it is so again."""
    if not was_there:
        shutil.rmtree(folder, ignore_errors=True)
        return
    made = [folder.joinpath(*path.split("/")) for path in files]
    for file in made:
        file.unlink(missing_ok=True)
    within = {above for file in made for above in file.parents if folder in above.parents}
    for place in sorted(within, key=lambda each: len(each.parts), reverse=True):
        with contextlib.suppress(OSError):  # somebody put something into it meanwhile
            place.rmdir()


def _steps(language: Language, name: str, project: str, folder: Path) -> tuple[str, ...]:
    """What leads from here to a live model that was tested as the service that it is."""
    place = _word(str(folder))
    train = {
        Language.PYTHON: f"{_uv()} run --directory {place} train.py",
        Language.R: f"Rscript {_word(str(folder / 'train.R'))}",
        Language.JULIA: f"julia --project={place} {_word(str(folder / 'train.jl'))}",
    }[language]
    on, where = ("", "this-computer") if language is Language.PYTHON else (" --on SERVER", "SERVER")
    return (
        train,
        f'kronkers commit {place} -m "The first model"',
        f"kronkers model register {_word(f'{project}:{name}{language.model_ending}')}",
        f"kronkers model test {name}{on}",
        f"kronkers release {name} --to {where}",
    )


def _uv() -> str:
    """The uv that is installed, else the one that this program brings."""
    return "uv" if shutil.which("uv") else _word(str(uv_program()))


def _word(text: str) -> str:
    """As it is typed on a command line."""
    return text if re.fullmatch(r"[\w.:/\\@+-]+", text) else '"' + text.replace('"', '\\"') + '"'
