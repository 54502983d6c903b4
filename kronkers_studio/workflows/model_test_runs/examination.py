"""What all checks of a run share: the service, the tables, and what it answered to them before."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from kronkers_studio.domain.errors import NotFound, StudioError
from kronkers_studio.domain.expectations import ExpectationSet, OnRows
from kronkers_studio.domain.model_columns import example_row
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import SILENT, CancelToken, Progress
from kronkers_studio.domain.references import parse_model
from kronkers_studio.workflows.model_test_runs.findings import Unmeasurable
from kronkers_studio.workflows.model_test_runs.fitting_tables import columns_beside
from kronkers_studio.workflows.model_test_runs.holdouts import (
    Answers,
    Holdout,
    data_reference,
    read_holdout,
)
from kronkers_studio.workflows.model_test_runs.private_service import PrivateService, most_memory, private_service
from kronkers_studio.workflows.model_test_runs.service_answers import AskedService
from kronkers_studio.workflows.session import Session

_CHAMPION = "@champion"


@dataclass(frozen=True)
class Opponent:
    """Another version that answers the same rows."""

    version: ModelVersion
    asked: AskedService


class Examination:
    """One run of ``test_set`` against ``service``. Other versions that it asks for run until ``ending`` is closed."""

    def __init__(
        self,
        session: Session,
        service: PrivateService,
        test_set: ExpectationSet,
        ending: ExitStack,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self.service = service
        self.version = service.version
        self.progress = progress
        self.cancel = cancel
        self.asked = AskedService(service, cancel, self._sent)
        self.peak = 0
        self._session = session
        self._test_set = test_set
        self._beside = columns_beside(test_set)
        self._ending = ending
        self._sources: dict[str, ContentRef] = {}
        self._holdouts: dict[str, Holdout] = {}
        self._answers: dict[tuple[str, str], Answers] = {}
        self._opponents: dict[str, Opponent] = {}

    def holdout(self, expectation: OnRows) -> Holdout:
        """The table that ``expectation`` is about. Raises ``Unmeasurable`` where it names none, and what reading it
        does."""
        data = expectation.data
        if not data:
            raise Unmeasurable("No data is named: write “data: FILE” in the test, or once at the top.")
        if data not in self._holdouts:
            self._holdouts[data] = self._read(data, self.version)
        return self._holdouts[data]

    def answers(self, expectation: OnRows) -> Answers:
        """What the service answers to that table, asked once."""
        return self._answers_of(self.asked, expectation)

    def sample(self, expectation: OnRows, most: int) -> list[Any]:
        """Up to ``most`` rows of that table, spread evenly over it."""
        rows = self.holdout(expectation).rows
        if len(rows) <= most:
            return list(rows)
        return [rows[at * len(rows) // most] for at in range(most)]

    def any_rows(self, expectation: OnRows, most: int) -> list[Any]:
        """As ``sample``; without a table, a row of zeros and empty texts."""
        return self.sample(expectation, most) if expectation.data else [example_row(self.version.signature)]

    def opponent(self, against: str) -> Opponent | None:
        """The version ``against`` ("@ALIAS", "NAME:V"; "" for the champion), its service started once; None where that
        is the very version that is tested, or where nothing is said and there is no champion yet."""
        version = self._named(against)
        if version is None or version.label == self.version.label:
            return None
        if version.label not in self._opponents:
            place = self.service.release.place
            started = private_service(self._session, version, place, SILENT, self.cancel)
            asked = AskedService(self._ending.enter_context(started), self.cancel, self._sent)
            self._opponents[version.label] = Opponent(version, asked)
        return self._opponents[version.label]

    def answers_of(self, opponent: Opponent, expectation: OnRows) -> Answers:
        """What another version answers to the table of ``expectation``, whose rows must fit it too."""
        return self._answers_of(opponent.asked, expectation)

    def memory(self) -> int | None:
        """The most resident memory of the service so far, in bytes."""
        try:
            found = most_memory(self.service)
        except StudioError:  # it has ended, or cannot be reached: the next check says so
            self.cancel.check()
            found = None
        if found is not None:
            self.peak = max(self.peak, found)
        return self.peak or None

    def _answers_of(self, asked: AskedService, expectation: OnRows) -> Answers:
        key = (asked.service.version.label, expectation.data)
        if key not in self._answers:
            if asked is self.asked:
                rows = self.holdout(expectation).rows
            else:
                rows = self._read(expectation.data, asked.service.version).rows
            self.progress.expect(len(rows))
            self._answers[key] = asked.answers(rows)
        return self._answers[key]

    def _read(self, data: str, version: ModelVersion) -> Holdout:
        """The table as ``version`` takes it; in the state in which it was read first, whatever is saved meanwhile."""
        if data not in self._sources:
            source = data_reference(data, self._test_set.source)
            commit = self._session.workspace.content.resolve(source.project, source.commit)
            self._sources[data] = replace(source, commit=commit.id)
        return read_holdout(self._session, self._sources[data], version, self._beside, self.cancel)

    def _named(self, against: str) -> ModelVersion | None:
        ledger = self._session.workspace.ledger
        written = against or _CHAMPION
        reference = parse_model(f"{self.version.name}{written}" if written.startswith("@") else written)
        try:
            return ledger.model_version(*reference)
        except NotFound:
            if against:
                raise
            return None

    def _sent(self, rows: int) -> None:
        self.progress.advance(rows)
