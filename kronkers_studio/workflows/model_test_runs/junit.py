"""A run of model tests as JUnit XML, which CI systems show: one test suite, a test case for each expectation.

Names, sentences and versions may hold anything: what XML has no form for is written as ``\\xNN``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from kronkers_studio.domain.errors import FileUnwritable, StudioError
from kronkers_studio.domain.model_tests import ExpectationResult, ModelTestRun, Outcome

_NOT_OF_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def run_as_junit(run: ModelTestRun) -> bytes:
    """The document, in UTF-8."""
    properties = {
        "model": run.model,
        "version": str(run.version),
        "package": run.package,
        "place": run.place,
        "test set": f"{run.test_set.project}@{run.test_set.commit}:{run.test_set.path}",
        "test set SHA-256": run.test_set_digest,
        "run": run.id,
    }
    counts = {outcome: run.count(outcome) for outcome in Outcome}
    suite = _suite(run.label, len(run.results), counts, properties)
    suite.set("time", f"{run.seconds:.3f}")
    suite.set("timestamp", run.at.strftime("%Y-%m-%dT%H:%M:%S"))
    for result in run.results:
        _add_case(suite, run.label, result)
    return _document(suite)


def problem_as_junit(model: str, problem: StudioError) -> bytes:
    """The document of a run that did not come about: one test case, with an error."""
    suite = _suite(model, 1, {Outcome.ERROR: 1}, {"model": model})
    suite.set("time", "0.000")
    _add_case(suite, model, ExpectationResult("run", "run", Outcome.ERROR, None, "", str(problem), 0.0))
    return _document(suite)


def write_junit(file: Path, document: bytes) -> None:
    """Put the document there, whole. Raises ``FileUnwritable``."""
    draft = file.parent / f".{file.name}.new"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(document)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise FileUnwritable(
            f"{file} cannot be written: {error.strerror or error}.", next_step="Name another file with --junit."
        ) from None


def _suite(name: str, tests: int, counts: Mapping[Outcome, int], properties: Mapping[str, str]) -> ET.Element:
    suite = ET.Element("testsuite", name=_text(name), tests=str(tests))
    suite.set("failures", str(counts.get(Outcome.FAILED, 0)))
    suite.set("errors", str(counts.get(Outcome.ERROR, 0)))
    suite.set("skipped", str(counts.get(Outcome.SKIPPED, 0)))
    listed = ET.SubElement(suite, "properties")
    for key, value in properties.items():
        ET.SubElement(listed, "property", name=key, value=_text(value))
    return suite


def _add_case(suite: ET.Element, label: str, result: ExpectationResult) -> None:
    case = ET.SubElement(suite, "testcase", name=_text(result.name), classname=_text(f"{label}.{result.kind}"))
    case.set("time", f"{result.seconds:.3f}")
    said = _text(result.sentence)
    match result.outcome:
        case Outcome.FAILED:
            ET.SubElement(case, "failure", message=said, type=result.kind).text = said
        case Outcome.ERROR:
            ET.SubElement(case, "error", message=said, type=result.kind).text = said
        case Outcome.SKIPPED:
            ET.SubElement(case, "skipped", message=said)
        case Outcome.PASSED:
            ET.SubElement(case, "system-out").text = said


def _document(suite: ET.Element) -> bytes:
    whole = ET.Element("testsuites")
    for key in ("tests", "failures", "errors", "skipped", "time"):
        whole.set(key, suite.get(key, "0"))
    whole.append(suite)
    ET.indent(whole)
    text: bytes = ET.tostring(whole, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _text(text: str) -> str:
    return _NOT_OF_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
