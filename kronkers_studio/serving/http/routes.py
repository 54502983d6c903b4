"""Which part of the service answers at which address."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from kronkers_studio.serving.http.answers import Send
from kronkers_studio.serving.http.bodies import Receive, Scope

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_OF_MODEL = re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?P<ending>/[^/]+)?")


@dataclass(frozen=True)
class Routes:
    """Hands each request to what answers at its address: in ``exact`` by the whole of it, in ``of_model`` by what comes
    behind a model's name and version ("" for nothing), else to ``default``. The scope's ``path_params`` then hold the
    "model" and, where one is named, its "version"."""

    exact: Mapping[str, App]
    of_model: Mapping[str, App]
    default: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.exact.get(scope["path"]) or self._of_model(scope) or self.default
        await app(scope, receive, send)

    def _of_model(self, scope: Scope) -> App | None:
        found = _OF_MODEL.fullmatch(scope["path"])
        if found is None:
            return None
        scope["path_params"] = {name: found[name] for name in ("model", "version") if found[name] is not None}
        return self.of_model.get(found["ending"] or "")
