"""Where a release can run: this computer, or a server over SSH. Both offer the same few verbs to `releases`."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kronkers_studio.domain.errors import GatewayAway, GatewayFailed
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.naming import checked_model_name
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.workflows import packages
from kronkers_studio.workflows.packaged_files import packaged_elsewhere, require_platform
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.packaging import ComposedImage

_LOG_LINES = 1000


class Place(Protocol):
    """A place where releases run. ``start`` and ``resume`` return the endpoint of a service that runs, or raise and
    leave nothing of theirs behind; what else runs there is never touched.

    What ``endpoint`` gives is in the release before anything of it is in the place, so that the other verbs find what a
    crash left of it."""

    def endpoint(self, model: str, number: int) -> Mapping[str, Any]:
        """What the service of a new release will be known by."""

    def state(self, release: Release) -> ReleaseState:
        """What the release is in the place now; STOPPED when there is nothing of it."""

    def prepare(
        self,
        model: ModelVersion,
        progress: Progress,
        cancel: CancelToken,
        packaged: Path | None = None,
        *,
        records: bool = False,
    ) -> ComposedImage:
        """Build the package, or take the one in the archive ``packaged``, verify it and bring it to the place; nothing
        runs yet. One that is built with ``records`` can record rows."""

    def start(
        self, image: ComposedImage, model: ModelVersion, release: Release, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]: ...

    def pause(self, release: Release) -> None:
        """Stop it, keeping what a quick return needs."""

    def resume(
        self, release: Release, model: ModelVersion, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]: ...

    def remove(self, release: Release) -> None:
        """Stop it and keep nothing."""

    def log(self, release: Release) -> list[str]:
        """The last lines that its service logged, oldest first; none where nothing of it is there."""

    def keeps_warm(self) -> bool:
        """Whether what was live goes on running beside what has replaced it, so that going back takes no time."""

    def publish(self) -> None:
        """Tell whoever sends requests to the place's services what is live now, by the history."""


def place_of(session: Session, name: str) -> Place:
    """The place called ``name``. Raises ``NotFound`` when there is no such server."""
    return ThisComputer(session) if name == THIS_COMPUTER else OnServer(session, name)


def private_place(session: Session, name: str) -> Place:
    """As ``place_of``, for services that nobody is told of, such as one that is tested: what runs there is not among
    what is live, and its files lie apart."""
    return ThisComputer(session, "runs/tests") if name == THIS_COMPUTER else OnServer(session, name)


class ThisComputer:
    """The package's layers unpacked into a folder of the workspace, below ``runs``, and run as a process that outlives
    the studio."""

    def __init__(self, session: Session, runs: str = "runs") -> None:
        self._session = session
        self._runs = runs

    def endpoint(self, model: str, number: int) -> Mapping[str, Any]:
        from kronkers_studio.deployment.computer import computer_id
        from kronkers_studio.deployment.proof import new_nonce

        return {"nonce": new_nonce(), "computer": computer_id()}

    def state(self, release: Release) -> ReleaseState:
        from kronkers_studio.deployment.computer import computer_id
        from kronkers_studio.deployment.local_service import is_of_a_copy, service_alive

        if release.endpoint.get("computer", "") != computer_id():
            return release.state  # what runs on another computer cannot be seen from here
        folder = self._folder(release.model, release.number)
        running = "pid" in release.endpoint and not is_of_a_copy(release.endpoint, folder)
        if running and service_alive(dict(release.endpoint)):
            return ReleaseState.LIVE
        return ReleaseState.STANDBY  # it is made again from the workspace

    def prepare(
        self,
        model: ModelVersion,
        progress: Progress,
        cancel: CancelToken,
        packaged: Path | None = None,
        *,
        records: bool = False,
    ) -> ComposedImage:
        if packaged is not None:
            return packaged_elsewhere(self._session, model, packaged, progress=progress, cancel=cancel)
        image = packages.compose_for_this_computer(
            self._session, model, records=records, progress=progress, cancel=cancel
        )
        return packages.require_releasable(self._session, image, progress=progress, cancel=cancel)

    def start(
        self, image: ComposedImage, model: ModelVersion, release: Release, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        from kronkers_studio.deployment.local_service import start_service
        from kronkers_studio.packaging import unpack_runtime, users_layer_cache

        folder = self._folder(model.name, release.number)
        try:
            progress.step("Unpacking the package")
            runtime = unpack_runtime(image, folder, users_layer_cache(), cancel=cancel)
            progress.step("Starting the service")
            return start_service(
                runtime.python,
                runtime.python_path,
                runtime.model,
                folder,
                secret=self._session.release_secret(release),
                request_log=release.request_log,
                recording=release.recording,
                recording_key=_recording_key(self._session, release),
                unconfined=self._session.settings.run_unprotected,
                cancel=cancel,
            )
        except BaseException:  # whatever stopped it, the model must not stay behind in the clear
            _clear(folder)
            raise

    def pause(self, release: Release) -> None:
        self._end(release)  # starting again from the store takes a second or two
        _clear(self._folder(release.model, release.number))

    def resume(
        self, release: Release, model: ModelVersion, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        image = self.prepare(model, progress, cancel, records=release.recording is not None)
        return self.start(image, model, release, progress, cancel)

    def remove(self, release: Release) -> None:
        self._end(release)
        shutil.rmtree(self._folder(release.model, release.number), ignore_errors=True)

    def _end(self, release: Release) -> None:
        from kronkers_studio.deployment.local_leftovers import end_processes_of
        from kronkers_studio.deployment.local_service import is_of_a_copy, stop_service

        folder = self._folder(release.model, release.number)
        if "pid" in release.endpoint and not is_of_a_copy(release.endpoint, folder):
            stop_service({**release.endpoint, "folder": str(folder)})
        end_processes_of(folder)  # also one that never came to say its number

    def log(self, release: Release) -> list[str]:
        from kronkers_studio.deployment.local_service import service_log

        return service_log(self._folder(release.model, release.number))

    def keeps_warm(self) -> bool:
        return False

    def publish(self) -> None:
        """Whoever asks here knows the release itself."""

    def _folder(self, model: str, number: int) -> Path:
        """Of this workspace, whatever a history that somebody else wrote says."""
        return self._session.directory / self._runs / f"{checked_model_name(model)}-r{int(number)}"


def _recording_key(session: Session, release: Release) -> str:
    """The public key that recorded rows are sealed for; "" when none are recorded."""
    if release.recording is None:
        return ""
    from kronkers_studio.monitoring.recorded_batches import RecordingKey

    return RecordingKey(session.workspace.recording_key).public


def _clear(folder: Path) -> None:
    """Remove everything of a run but the rows that it recorded, which are sealed."""
    from kronkers_studio.deployment.local_service import RECORDED

    if not (folder / RECORDED).exists():
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != RECORDED:
                shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


class OnServer:
    """A hardened one-replica service on the server's engine, its port on the server's loopback only."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._server = session.workspace.ledger.server(name)

    def endpoint(self, model: str, number: int) -> Mapping[str, Any]:
        from kronkers_studio.deployment.proof import new_nonce
        from kronkers_studio.deployment.releases import service_name

        nonce = new_nonce()
        return {"nonce": nonce, "service": service_name(model, number, nonce)}

    def state(self, release: Release) -> ReleaseState:
        from kronkers_studio.deployment.releases import release_state

        if "service" not in release.endpoint:
            return ReleaseState.STOPPED
        return release_state(self._session.connection(self._server), release.endpoint, self._session.workspace.id)

    def prepare(
        self,
        model: ModelVersion,
        progress: Progress,
        cancel: CancelToken,
        packaged: Path | None = None,
        *,
        records: bool = False,
    ) -> ComposedImage:
        from kronkers_studio.deployment.checks import server_platform
        from kronkers_studio.deployment.images import load_image
        from kronkers_studio.deployment.setup import set_up_server
        from kronkers_studio.packaging import docker_archive

        connection = self._session.connection(self._server)
        platform = server_platform(connection)
        if packaged is None:
            image = packages.compose_for_servers(
                self._session,
                model,
                platform=platform,
                connection=connection,
                records=records,
                progress=progress,
                cancel=cancel,
            )
            image = packages.require_releasable(self._session, image, progress=progress, cancel=cancel)
        else:
            image = packaged_elsewhere(self._session, model, packaged, progress=progress, cancel=cancel)
            require_platform(image, platform)
        set_up_server(connection, progress=progress)

        def archive(present: Collection[str]) -> Iterator[bytes]:
            return docker_archive(image, present=present)

        load_image(connection, archive, image, progress=progress, cancel=cancel)
        return image

    def start(
        self, image: ComposedImage, model: ModelVersion, release: Release, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        from kronkers_studio.deployment.releases import ServiceSpec, start_release

        progress.step(f"Starting the service on {self._server.name}")
        spec = ServiceSpec(
            model=model.name,
            version=model.version,
            number=release.number,
            image=image.config_digest,
            package=image.package.digest,
            service=str(release.endpoint["service"]),
            workspace=self._session.workspace.id,
            secret=self._session.release_secret(release),
            request_log=release.request_log,
            workers=release.processes,
            recording=release.recording,
            recording_key=_recording_key(self._session, release),
        )
        return start_release(self._session.connection(self._server), spec, progress=progress, cancel=cancel)

    def pause(self, release: Release) -> None:
        from kronkers_studio.deployment.releases import pause_release

        self._withdraw(release)
        pause_release(self._session.connection(self._server), release.endpoint, self._session.workspace.id)

    def resume(
        self, release: Release, model: ModelVersion, progress: Progress, cancel: CancelToken
    ) -> Mapping[str, Any]:
        from kronkers_studio.deployment.releases import resume_release

        progress.step(f"Starting {release.label} again on {self._server.name}")
        return resume_release(
            self._session.connection(self._server),
            release.endpoint,
            self._session.workspace.id,
            progress=progress,
            cancel=cancel,
        )

    def remove(self, release: Release) -> None:
        from kronkers_studio.deployment.releases import remove_release

        if "service" in release.endpoint:
            self._withdraw(release)
            remove_release(self._session.connection(self._server), release.endpoint, self._session.workspace.id)

    def log(self, release: Release) -> list[str]:
        from kronkers_studio.deployment.releases import service_log

        if "service" not in release.endpoint:
            return []
        connection = self._session.connection(self._server)
        return service_log(connection, release.endpoint, self._session.workspace.id, _LOG_LINES)

    def keeps_warm(self) -> bool:
        """Programs that ask through a gateway do not wait until an earlier release has started."""
        return any(gateway.server == self._server.name for gateway in self._session.workspace.ledger.gateways())

    def publish(self) -> None:
        from kronkers_studio.workflows.gateways import publish

        publish(self._session, self._server.name)

    def _withdraw(self, release: Release) -> None:
        """See that no gateway sends requests to it any more. What was never live got none. Stopping must always be
        possible, but what another release has replaced is not stopped while requests still go to it."""
        from kronkers_studio.workflows.gateways import publish

        being_replaced = release.state is ReleaseState.STANDBY and (release.worker is not None or release.warm)
        if release.state is not ReleaseState.LIVE and not being_replaced:
            return
        live = self._session.workspace.ledger.live_release(release.model, release.place)
        try:
            publish(self._session, self._server.name, without=release)
        except GatewayAway:
            return
        except GatewayFailed:
            if live is not None and live.number != release.number:
                raise
