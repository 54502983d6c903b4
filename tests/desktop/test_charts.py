"""Charts: what is drawn for a window, where axes have labels, and how a chart is moved, read and kept."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.charts.card import ChartCard
from kronkers_studio.desktop.charts.export import ask_and_save_values, write_picture, write_values
from kronkers_studio.desktop.charts.lines import Line, gaps, nearest, points
from kronkers_studio.desktop.charts.painting import marker_boxes
from kronkers_studio.desktop.charts.quantities import megabytes, milliseconds, response_time
from kronkers_studio.desktop.charts.shared_time import EARLIEST, LATEST, SharedTime
from kronkers_studio.desktop.charts.sparkline import Sparkline
from kronkers_studio.desktop.charts.ticks import clock, time_ticks, value_axis, value_axis_between
from kronkers_studio.desktop.look import theme, tokens
from kronkers_studio.domain.errors import StorageFull, StudioError
from kronkers_studio.domain.series import Charted, Marker, Metric, SeriesKey, Window

BEGIN = 1_790_000_000.0
RESPONSE = (
    Line(Metric.LATENCY_P50, "p50", 0),
    Line(Metric.LATENCY_P95, "p95", 1),
    Line(Metric.LATENCY_P99, "p99", 2, (2.0, 2.0)),
)


def window(
    times: list[float], mean: list[float], spread: float = 0.0, step: float = 0.0, metric: Charted = Metric.LATENCY_P50
) -> Window:
    middle = np.array(mean, float)
    low, high = middle - spread, middle + spread
    return Window(
        SeriesKey("churn", "this-computer", metric), np.array(times, float).data, low.data, high.data, middle.data, step
    )


def steady(number: int = 100, metric: Charted = Metric.LATENCY_P50, value: float = 30.0) -> Window:
    return window([BEGIN + index * 6 for index in range(number)], [value] * number, metric=metric)


@pytest.fixture
def time_of_charts() -> SharedTime:
    return SharedTime(BEGIN, BEGIN + 600)


@pytest.fixture
def card(qtbot: QtBot, time_of_charts: SharedTime) -> Iterator[ChartCard]:
    made = ChartCard("Response time", RESPONSE, milliseconds(), time_of_charts)
    qtbot.addWidget(made)
    made.resize(500, 260)
    made.show()
    made.show_windows({line.metric: steady(metric=line.metric) for line in RESPONSE})
    QApplication.processEvents()
    yield made


# Lines ---------------------------------------------------------------------------------------------------------------


def test_every_sample_is_a_point_and_a_reduced_window_is_drawn_from_lowest_to_highest() -> None:
    times, values = points(window([1, 2, 3], [5, 6, 7]))
    assert (times.tolist(), values.tolist()) == ([1, 2, 3], [5, 6, 7])
    times, values = points(window([1, 2], [5, 6], spread=2, step=1))
    assert (times.tolist(), values.tolist()) == ([1, 1, 2, 2], [3, 7, 4, 8])


@given(st.lists(st.one_of(st.just(math.nan), st.floats(0, 100)), max_size=60))
def test_a_line_shows_every_measurement_between_gaps_and_none_in_them(values: list[float]) -> None:
    times, drawn = points(window([BEGIN + index for index in range(len(values))], values))
    assert np.all(np.diff(times) > 0)
    assert sorted(set(drawn[np.isfinite(drawn)])) == sorted({value for value in values if math.isfinite(value)})
    joined = np.isfinite(drawn[:-1]) & np.isfinite(drawn[1:])
    touched = np.concatenate((joined, [False])) | np.concatenate(([False], joined)) if len(drawn) else joined
    assert np.all(touched[np.isfinite(drawn)]) or len(values) <= 1, "no measurement is an invisible lone point"


def test_at_most_two_points_are_drawn_per_point_of_the_window() -> None:
    lonely = [1.0, math.nan] * 600
    assert len(points(window(list(range(1200)), lonely))[0]) <= 2400
    assert len(points(window(list(range(1200)), [1.0] * 1200, step=1))[0]) == 2400


def test_a_readout_is_the_nearest_measurement_and_there_is_none_in_a_gap() -> None:
    recorded = window([0, 2, 4, 6, 20, 34, 36], [1, 2, 3, 4, math.nan, 6, 7])
    found = nearest(recorded, 2.9)
    assert found is not None
    assert (found.at, found.mean) == (2, 2)
    assert nearest(recorded, 19) is None
    assert nearest(recorded, 60) is None
    assert nearest(window([], []), 1) is None


def test_a_lone_bucket_between_gaps_is_seen() -> None:
    times, values = points(window([1, 2, 3, 4, 5], [5, math.nan, 6, math.nan, 7], step=1))
    at = np.flatnonzero(values == 6)
    assert times[at[-1]] > times[at[0]]


# Axes ----------------------------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_an_axis_of_any_numbers_holds_them_with_some_labels(lowest: float, room: float) -> None:
    axis = value_axis_between(lowest, lowest + room)
    assert axis.bottom <= lowest
    assert lowest + room <= axis.top
    assert 1 <= len(axis.values) <= 12
    assert all(axis.bottom - 1e-6 * axis.step <= value <= axis.top + 1e-6 * axis.step for value in axis.values)


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(10, 120)), max_size=12), st.floats(30, 300))
def test_words_of_markers_never_lie_on_each_other(markers: list[tuple[float, float]], height: float) -> None:
    area = QRectF(0, 8, 500, height)
    markers.sort()
    boxes = [box for box in marker_boxes([x for x, _ in markers], [width for _, width in markers], area) if box]
    assert all(area.left() <= box.left() and box.right() <= area.right() for box in boxes)
    assert not any(one.intersects(other) for one, other in combinations(boxes, 2))


def test_several_versions_of_one_hour_all_keep_their_words() -> None:
    """As far apart as those of twenty minutes ago are in a chart of an hour, and closer."""
    for apart in (40.0, 8.0, 1.0):
        columns = [300.0 + apart * number for number in range(4)]
        assert None not in marker_boxes(columns, [95.0] * 4, QRectF(40, 8, 460, 120))


def test_a_line_without_axes_is_drawn_in_the_themes_colour(qtbot: QtBot) -> None:
    line = Sparkline("Requests")
    qtbot.addWidget(line)
    line.resize(200, 34)
    for muted in (False, True):
        line.show_window(steady(), BEGIN, BEGIN + 600, muted=muted)
        image = line.grab().toImage()
        colours = [image.pixelColor(x, y) for x in range(200) for y in range(30)]
        blue = any(colour.blue() - colour.red() > 80 for colour in colours)
        assert blue is not muted
        assert any(colour.lightness() < 200 for colour in colours)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change its time zone for one process")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_labels_are_at_round_local_times_on_the_day_the_clock_changes() -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC).timestamp()  # midnight in Berlin; at 03:00 it is 02:00 again
    hours = [datetime.fromtimestamp(at).hour for at, _ in time_ticks(start, start + 25 * 3600, 9)]
    assert hours == [0, 3, 6, 9, 12, 15, 18, 21, 0]


@given(st.floats(1e9, 2e9), st.floats(5, 3e8), st.integers(2, 12))
def test_time_labels_rise_within_the_range_and_are_not_too_many(start: float, span: float, most: int) -> None:
    ticks = time_ticks(start, start + span, most)
    times = [at for at, _ in ticks]
    assert times == sorted(set(times))
    assert all(start <= at <= start + span for at in times)
    assert len(times) <= 1.5 * most + 2
    assert all(text for _, text in ticks)


def test_short_ranges_are_labelled_to_the_second_and_midnight_with_its_day() -> None:
    assert [text.count(":") for _, text in time_ticks(BEGIN, BEGIN + 30, 6)] == [2] * 7
    noon = datetime(2026, 11, 23, 12).timestamp()
    assert "Tue 24 Nov" in [text for _, text in time_ticks(noon, noon + 86_400, 8)]
    assert clock(noon) == "12:00"


@given(st.floats(0.01, 1e10), st.integers(3, 6))
def test_a_value_axis_begins_at_zero_and_ends_just_above_the_highest_value(highest: float, most: int) -> None:
    axis = value_axis(highest, most)
    assert axis.values[0] == 0
    assert highest * (1 - 1e-6) <= axis.top <= 1.5 * highest + axis.step / 2
    assert 2 <= len(axis.values) <= most + 1


def test_an_axis_rests_while_the_line_moves_below_it(card: ChartCard) -> None:
    before = card.plot.axis
    card.show_windows({Metric.LATENCY_P50: steady(value=29.0), Metric.LATENCY_P95: steady(value=30.2)})
    assert card.plot.axis == before


def test_figures_have_the_digits_and_units_that_people_read() -> None:
    assert [response_time(value) for value in (0.42, 4.3, 38.2, 999.0, 2412.0)] == [
        "0.42 ms",
        "4.3 ms",
        "38 ms",
        "999 ms",
        "2.4 s",
    ]
    assert megabytes().words(190_400_000) == "190 MB"
    assert [milliseconds().tick(value, 2.5) for value in (0, 2.5, 5)] == ["0.0", "2.5", "5.0"]


# Looks ---------------------------------------------------------------------------------------------------------------

_BLIND = {  # Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def _lab(colour: str, blindness: str) -> np.ndarray:
    rgb = np.array([QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array(_XYZ) @ np.clip(np.array(_BLIND[blindness]) @ linear, 0, 1) / np.array((0.9505, 1.0, 1.089))
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array((116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])))


@pytest.mark.parametrize("blindness", _BLIND)
@pytest.mark.parametrize("choice", ["light", "dark"])
def test_lines_of_one_chart_differ_in_colour_or_in_style_for_every_reader(
    qapp: QApplication, choice: theme.Choice, blindness: str
) -> None:
    theme.current().choose(choice)
    errors_and_requests = (Line(Metric.REQUEST_RATE, "answered", 0), Line(Metric.ERROR_RATE, "refused", 2))
    for chart in (RESPONSE, errors_and_requests):
        for one, other in combinations(chart, 2):
            difference = np.linalg.norm(_lab(one.colour, blindness) - _lab(other.colour, blindness))
            assert one.dash != other.dash or difference > 25, (one.name, other.name, difference)


def test_a_chart_follows_the_theme_at_once(card: ChartCard) -> None:
    def colours() -> set[str]:
        image = card.plot.grab().toImage()
        return {image.pixelColor(x, y).name().upper() for x in range(0, image.width()) for y in range(image.height())}

    card.show_windows({Metric.LATENCY_P50: window([BEGIN + index for index in range(600)], [30.0] * 600)})
    light = colours()
    theme.current().choose("dark")
    dark = colours()
    assert {tokens.LIGHT.surface, tokens.LIGHT.accent} <= light
    assert {tokens.DARK.surface, tokens.DARK.accent} <= dark
    assert tokens.LIGHT.surface not in dark


def test_markers_are_dashed_lines_with_words(card: ChartCard) -> None:
    before = card.plot.grab().toImage()
    card.show_markers([Marker(datetime.fromtimestamp(BEGIN + 300, UTC), "version 2 live")])
    after = card.plot.grab().toImage()
    column = round(card.plot.x_of(BEGIN + 300))
    dashes = [y for y in range(after.height()) if after.pixelColor(column, y).name().upper() == tokens.LIGHT.muted]
    assert len(dashes) > 0.4 * card.plot.area.height()
    assert len(dashes) < 0.8 * card.plot.area.height()
    assert before != after


# Using ---------------------------------------------------------------------------------------------------------------


def test_charts_move_together_and_say_that_a_person_moved_them(
    qtbot: QtBot, card: ChartCard, time_of_charts: SharedTime
) -> None:
    other = ChartCard("CPU", (Line(Metric.CPU, "CPU", 0),), milliseconds(), time_of_charts)
    qtbot.addWidget(other)
    other.resize(400, 260)
    other.show()
    with qtbot.waitSignal(time_of_charts.browsed):
        turn_wheel(card, 120)
    assert time_of_charts.span < 600
    for chart in (card, other):
        assert chart.plot._view.viewRange()[0] == pytest.approx([time_of_charts.start, time_of_charts.end])


def turn_wheel(card: ChartCard, by: int) -> None:
    viewport = card.plot.viewport()
    at = QPointF(viewport.width() / 2, viewport.height() / 2)
    event = QWheelEvent(
        at,
        QPointF(viewport.mapToGlobal(at.toPoint())),
        QPoint(0, 0),
        QPoint(0, by),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def test_dragging_moves_the_range(qtbot: QtBot, card: ChartCard, time_of_charts: SharedTime) -> None:
    viewport = card.plot.viewport()
    middle = QPoint(viewport.width() // 2, viewport.height() // 2)
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=middle)
    for distance in range(10, 110, 10):
        qtbot.mouseMove(viewport, middle + QPoint(distance, 0))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=middle + QPoint(100, 0))
    assert time_of_charts.start < BEGIN - 30
    assert time_of_charts.span == pytest.approx(600)


def test_every_chart_can_be_used_by_keyboard(qtbot: QtBot, card: ChartCard, time_of_charts: SharedTime) -> None:
    card.plot.setFocus(Qt.FocusReason.TabFocusReason)
    assert card.plot.focusPolicy() is Qt.FocusPolicy.StrongFocus
    qtbot.keyClick(card.plot, Qt.Key.Key_Right)
    assert time_of_charts.pointer == pytest.approx(BEGIN + 306)
    assert [(line.name, found.mean) for line, found in card.plot.readouts()] == [("p50", 30), ("p95", 30), ("p99", 30)]
    qtbot.keyClick(card.plot, Qt.Key.Key_Plus)
    assert time_of_charts.span == pytest.approx(300)
    qtbot.keyClick(card.plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert time_of_charts.start == pytest.approx(BEGIN + 306 - 153 - 60)
    qtbot.keyClick(card.plot, Qt.Key.Key_Escape)
    assert time_of_charts.pointer is None


def test_a_chart_tells_its_newest_values_to_a_screen_reader(card: ChartCard) -> None:
    assert card.plot.accessibleName() == "Response time"
    assert "p50 30 ms, p95 30 ms, p99 30 ms" in card.plot.accessibleDescription()
    card.show_windows({})
    assert "Nothing recorded here." in card.plot.accessibleDescription()


def test_hovering_shows_the_values_and_leaving_hides_them(
    qtbot: QtBot, card: ChartCard, time_of_charts: SharedTime
) -> None:
    before = card.plot.grab().toImage()
    qtbot.mouseMove(card.plot.viewport(), card.plot.area.center().toPoint())
    qtbot.waitUntil(lambda: time_of_charts.pointer is not None)
    assert card.plot.grab().toImage() != before
    time_of_charts.point(None)
    assert card.plot.grab().toImage() == before


@pytest.mark.parametrize(
    ("times", "values", "found"),
    [
        ([], [], []),
        ([1], [5], []),
        ([0, 2, 4, 6], [1, 1, 1, 1], []),
        ([0, 2, 10, 20, 22], [1, 1, math.nan, 1, 1], [(2, 20)]),
        ([0, 5, 10, 15, 20], [1, math.nan, 1, math.nan, 1], [(0, 10), (10, 20)]),
        ([0, 5, 10], [math.nan, 1, math.nan], []),
        ([0, 5], [math.nan, math.nan], []),
    ],
)
def test_what_was_not_recorded_between_two_measurements_is_a_gap(
    times: list[float], values: list[float], found: list[tuple[float, float]]
) -> None:
    assert gaps(window(times, values)) == found


def test_a_gap_is_hatched_where_it_is_and_nowhere_else(card: ChartCard) -> None:
    plot = card.plot

    def painted(at: float) -> QImage:
        area = plot.area.toRect()
        image = plot.grab(area).toImage()
        start = round((at - plot.time.start) / plot.time.span * image.width())
        part: QImage = image.copy(start, 10, 30, image.height() - 20)
        return part

    begin, span = plot.time.start, plot.time.span
    inside, outside = begin + 0.5 * span, begin + 0.1 * span
    before = painted(inside), painted(outside)
    plot.show_gaps([(begin + 0.4 * span, begin + 0.8 * span)])
    assert painted(inside) != before[0] and painted(outside) == before[1]
    plot.show_gaps([])
    assert painted(inside) == before[0]


def test_gaps_and_empty_windows_are_drawn_without_a_word(card: ChartCard) -> None:
    card.show_windows({Metric.LATENCY_P50: window([BEGIN, BEGIN + 1], [math.nan, math.nan])})
    card.plot.grab()
    card.show_windows({Metric.LATENCY_P50: window([], [])})
    card.plot.grab()
    card.show_windows({Metric.LATENCY_P50: window([BEGIN + 9], [3.0])})
    card.plot.grab()


# Keeping -------------------------------------------------------------------------------------------------------------


def test_values_are_kept_as_a_table_that_a_spreadsheet_opens(tmp_path: Path) -> None:
    write_values(tmp_path / "values.csv", [window([BEGIN, BEGIN + 15, BEGIN + 30], [1, math.nan, 3], 0.5, 15)])
    raw = (tmp_path / "values.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(raw.decode("utf-8-sig").splitlines()))
    assert rows[0][:5] == ["time", "model", "place", "metric", "unit"]
    assert [row[0] for row in rows[1:]] == ["2026-09-21T14:13:20.000+00:00", "2026-09-21T14:13:50.000+00:00"]
    assert rows[1][5:] == ["0.5", "1.0", "1.5", "15"]


def test_a_picture_is_twice_as_sharp_as_the_screen(card: ChartCard, tmp_path: Path) -> None:
    write_picture(tmp_path / "chart.png", card)
    from PIL import Image

    with Image.open(tmp_path / "chart.png") as image:
        assert image.size == (1000, 520)


def test_what_cannot_be_written_is_said(card: ChartCard, tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match=r"chart\.png could not be written"):
        write_picture(tmp_path / "missing" / "chart.png", card)
    with pytest.raises(StorageFull, match=r"values\.csv could not be written"):
        write_values(tmp_path / "missing" / "values.csv", [])


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # raising windows, without a screen
def test_the_menu_of_a_chart_offers_to_keep_it(qtbot: QtBot, card: ChartCard, tmp_path: Path) -> None:
    card.plot.menu_wanted.emit(QPoint(10, 10))
    menu = card.findChild(QMenu)
    assert menu is not None
    assert len(menu.actions()) == 2
    menu.close()
    errors: list[StudioError] = []
    dialog = ask_and_save_values(card, "Response time: p95/p99", [steady()], errors.append)
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "missing" / "kept.csv"))
    assert [error.message for error in errors] == ["kept.csv could not be written."]
    dialog.fileSelected.emit(str(tmp_path / "kept.csv"))
    dialog.close()
    assert len((tmp_path / "kept.csv").read_text(encoding="utf-8-sig").splitlines()) == 101


def test_charts_stay_among_the_years_that_can_be_written(card: ChartCard, time_of_charts: SharedTime) -> None:
    """Seen to fail with the time moved as far as somebody likes: before the year 1 the program ended without a word."""
    card.show()
    time_of_charts.zoom(1e12)
    span = time_of_charts.span
    for share in (-1.0, 1.0):
        for _ in range(250):
            time_of_charts.move(share)
        card.grab()
        assert EARLIEST <= time_of_charts.start < time_of_charts.end <= LATEST
        assert time_of_charts.span == span
    time_of_charts.show(-62e9, 9e99)
    assert (time_of_charts.start, time_of_charts.end) == (EARLIEST, LATEST)
