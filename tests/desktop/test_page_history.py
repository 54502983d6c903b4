"""Back and forward go through pages, and through the things that one page shows one after the other."""

from __future__ import annotations

from kronkers_studio.desktop.page_history import PageHistory, Seen


def test_two_models_on_the_same_page_are_two_places() -> None:
    history = PageHistory()
    history.go_to("models")
    history.go_to("model", "wine")
    history.go_to("model", "wine")
    history.go_to("model", "churn")
    assert history.before == Seen("model", "wine")
    assert history.go_back() and history.now == Seen("model", "wine")
    assert history.ahead == Seen("model", "churn")
    assert history.go_back() and history.current == "models"
    assert not history.go_back()
    assert history.go_forward() and history.go_forward() and history.now.about == "churn"
    assert not history.go_forward()
    history.go_back()
    history.go_to("home")
    assert history.ahead == Seen()
