"""Where a release can run: this computer, or a server over SSH. Both offer the same few verbs to `releases`."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, Release
from kronkers_studio.workflows import packages
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.packaging import ComposedImage


class Place(Protocol):
    """A place where releases run. ``start`` and ``resume`` return the endpoint of a service that runs, or raise and
    leave nothing of theirs behind; what else runs there is never touched."""

    def prepare(self, model: ModelVersion, progress: Progress, cancel: CancelToken) -> ComposedImage:
        """Build the package and bring it to the place; nothing runs yet."""

    def start(
        self, image: ComposedImage, model: ModelVersion, number: int, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]: ...

    def pause(self, release: Release) -> None:
        """Stop it, keeping what a quick return needs."""

    def resume(
        self, release: Release, model: ModelVersion, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]: ...

    def remove(self, release: Release) -> None:
        """Stop it and keep nothing."""


def place_of(session: Session, name: str) -> Place:
    """The place called ``name``. Raises ``NotFound`` when there is no such server."""
    return ThisComputer(session) if name == THIS_COMPUTER else OnServer(session, name)


class ThisComputer:
    """The package's layers unpacked into a folder of the workspace and run as a process that outlives the studio."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def prepare(self, model: ModelVersion, progress: Progress, cancel: CancelToken) -> ComposedImage:
        return packages.compose_for_this_computer(self._session, model, progress=progress, cancel=cancel)

    def start(
        self, image: ComposedImage, model: ModelVersion, number: int, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        from kronkers_studio.deployment.local import start_service
        from kronkers_studio.packaging import unpack_runtime

        folder = self._folder(model.name, number)
        try:
            progress.step("Unpacking the package")
            runtime = unpack_runtime(image, folder, packages.layer_cache())
            progress.step("Starting the service")
            nonce = secrets.token_hex(16)
            proof = self._session.secret_of(THIS_COMPUTER, model.name, number, nonce)
            started = start_service(
                runtime.python,
                runtime.python_path,
                runtime.model,
                folder,
                secret=proof,
                unconfined=self._session.settings.run_unprotected,
                cancel=cancel,
            )
            return {**started, "nonce": nonce}
        except BaseException:  # whatever stopped it, the model must not stay behind in the clear
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def pause(self, release: Release) -> None:
        self.remove(release)  # starting again from the store takes a second or two

    def resume(
        self, release: Release, model: ModelVersion, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        image = self.prepare(model, progress, cancel)
        return self.start(image, model, release.number, progress, cancel)

    def remove(self, release: Release) -> None:
        from kronkers_studio.deployment.local import stop_service

        if release.endpoint:
            stop_service(dict(release.endpoint))
        shutil.rmtree(self._folder(release.model, release.number), ignore_errors=True)

    def _folder(self, model: str, number: int) -> Path:
        return self._session.directory / "runs" / f"{model}-r{number}"


class OnServer:
    """A hardened one-replica service on the server's engine, its port on the server's loopback only."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._server = session.workspace.ledger.server(name)

    def prepare(self, model: ModelVersion, progress: Progress, cancel: CancelToken) -> ComposedImage:
        from kronkers_studio.deployment.images import load_image
        from kronkers_studio.deployment.setup import set_up_server
        from kronkers_studio.packaging import docker_archive

        connection = self._session.connection(self._server)
        image = packages.compose_for_servers(
            self._session,
            model,
            platform=self._session.settings.package_platform,
            connection=connection,
            progress=progress,
            cancel=cancel,
        )
        set_up_server(connection, progress=progress)

        def archive(present: Collection[str]) -> Iterator[bytes]:
            return docker_archive(image, present=present)

        load_image(connection, archive, image, progress=progress, cancel=cancel)
        return image

    def start(
        self, image: ComposedImage, model: ModelVersion, number: int, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        from kronkers_studio.deployment.releases import ServiceSpec, start_release

        progress.step(f"Starting the service on {self._server.name}")
        spec = ServiceSpec(
            model=model.name,
            version=model.version,
            number=number,
            image=image.config_digest,
            package=image.package.digest,
        )
        return start_release(self._session.connection(self._server), spec, progress=progress, cancel=cancel)

    def pause(self, release: Release) -> None:
        from kronkers_studio.deployment.releases import pause_release

        pause_release(self._session.connection(self._server), release.endpoint)

    def resume(
        self, release: Release, model: ModelVersion, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        from kronkers_studio.deployment.releases import resume_release

        progress.step(f"Starting {release.label} again on {self._server.name}")
        return resume_release(
            self._session.connection(self._server), release.endpoint, progress=progress, cancel=cancel
        )

    def remove(self, release: Release) -> None:
        from kronkers_studio.deployment.releases import remove_release

        if release.endpoint:
            remove_release(self._session.connection(self._server), release.endpoint)
