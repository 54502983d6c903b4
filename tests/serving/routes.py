"""The addresses that a service answers at, as it has them itself."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from kronkers_studio.serving.http import app
from kronkers_studio.serving.http.routes import Routes


def built_routes() -> Routes:
    """Those of a service of nothing in particular."""
    with pytest.MonkeyPatch.context() as patch:
        built: list[Routes] = []
        patch.setattr(app, "Access", lambda routes, *_: built.append(routes))
        service: Any = MagicMock()
        app.build_app(
            *(service, service, service, app.Limits()),
            identity=None,
            address="127.0.0.1",
            unready=lambda: "",
            metrics=service,
        )
    return built[0]
