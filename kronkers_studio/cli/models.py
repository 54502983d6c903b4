"""Commands for models and packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kronkers_studio.cli import allowances, model_history, model_tests, model_versions, profiles, searching, signatures
from kronkers_studio.cli.numbers import MOST_ROWS
from kronkers_studio.cli.plain_text import moment, plural, size, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.references import parse_commit, parse_content, parse_model, parse_model_version
from kronkers_studio.domain.search import Sort
from kronkers_studio.domain.stated_signatures import notes_of
from kronkers_studio.settings.paths import from_home

ModelRef = Annotated[
    str, typer.Argument(metavar="NAME[:V|@ALIAS]", help="A model; its newest version if none is named.")
]
_EVERY = 2**31


def add_commands(app: typer.Typer) -> None:
    model = typer.Typer(help="Register and look at models.", no_args_is_help=True)
    app.add_typer(model, name="model")
    command(model, "find")(find)
    command(model, "register")(register)
    command(model, "add")(add)
    command(model, "list")(list_)
    command(model, "show")(show)
    command(model, "alias")(alias)
    command(app, "package")(package)
    command(app, "verify")(verify)
    searching.add_commands(app, model)
    model_versions.add_commands(model)
    model_history.add_commands(model)
    allowances.add_commands(model)
    signatures.add_commands(model)
    profiles.add_commands(model)
    model_tests.add_commands(model)


def find(
    terminal: Terminal,
    project: Annotated[str, typer.Argument(metavar="PROJECT[@VERSION]")],
) -> None:
    """List the model files in a project, and what they are."""
    from kronkers_studio.workflows.models import find_models

    with terminal.session() as session:
        with terminal.progress() as progress:
            found = find_models(session, *parse_commit(project), progress=progress, cancel=terminal.cancel)
        rows = [
            [
                f.source.path,
                f"{f.facts.framework.label} {f.facts.framework_version}" if f.facts else "–",
                size(f.size),
                f.registered or f.problem or f"can be registered as {f.suggested_name}",
            ]
            for f in found
        ]
        terminal.result(found, *table(["File", "Framework", "Size", ""], rows))


def register(
    terminal: Terminal,
    source: Annotated[
        str, typer.Argument(metavar="PROJECT[@VERSION]:PATH", help="The model file, or a folder of MLflow's.")
    ],
    *,
    name: Annotated[str, typer.Option("--name", help="The model's name; by default made from the file's.")] = "",
    data: Annotated[
        str,
        typer.Option(
            "--data", metavar="PROJECT[@VERSION]:PATH", help="The training data; its reference profile is made."
        ),
    ] = "",
    target: profiles.Target = "",
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="NAME=VALUE", help="A measured figure.")
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What the model is for.")] = "",
    inputs: signatures.Inputs = None,
    outputs: signatures.Outputs = None,
) -> None:
    """Register a model file as the next version of a model. The file is never run."""
    from kronkers_studio.workflows.models import register_model

    content = parse_content(source)
    trained_on = parse_content(data) if data else None
    said, given = signatures.parsed(inputs), signatures.parsed(outputs)
    with terminal.session() as session:
        with terminal.progress() as progress:
            version = register_model(
                session,
                content.project,
                content.path,
                ref=content.commit,
                name=name,
                description=description,
                metrics=model_versions.parse_metrics(metric or []),
                data=trained_on,
                inputs=said,
                outputs=given,
                progress=progress,
            )
        profiles.make_for_registered(terminal, session, version, trained_on, target)
        terminal.result(version, *_version_lines(version))


def add(
    terminal: Terminal,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A model file on this computer, or MLflow's folder of one.")
    ],
    *,
    name: Annotated[str, typer.Option("--name", help="The model's name; by default made from the file's.")] = "",
    project: Annotated[str, typer.Option("--project", help="The project that takes it.")] = "",
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="NAME=VALUE", help="A measured figure.")
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What the model is for.")] = "",
    inputs: signatures.Inputs = None,
    outputs: signatures.Outputs = None,
) -> None:
    """Bring in a model file alone, without its folder, and register it. The file is never run."""
    from kronkers_studio.workflows.added_models import ADDED_MODELS, add_model
    from kronkers_studio.workflows.models import register_model

    metrics = model_versions.parse_metrics(metric or [])
    said, given = signatures.parsed(inputs), signatures.parsed(outputs)
    with terminal.session() as session:
        with terminal.progress() as progress:
            cancel = terminal.cancel
            source = add_model(session, file, project or ADDED_MODELS, progress=progress, cancel=cancel).source
            version = register_model(
                session,
                source.project,
                source.path,
                ref=source.commit,
                name=name,
                description=description,
                metrics=metrics,
                inputs=said,
                outputs=given,
                progress=progress,
            )
        terminal.result(version, *_version_lines(version))


def list_(
    terminal: Terminal,
    name: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    *,
    sort: searching.SortBy = "",
    where: searching.Where = None,
    framework: searching.Framework = "",
    tag: searching.Tag = "",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, max=MOST_ROWS, help="How many to show; all by default.")
    ] = None,
    offset: searching.Offset = 0,
) -> None:
    """List the registered versions, newest first or by a metric."""
    from kronkers_studio.workflows.models import list_models
    from kronkers_studio.workflows.searching import page_of_models

    with terminal.session() as session:
        if sort or where or framework or tag or limit or offset:
            _total, versions = page_of_models(
                session,
                name=name,
                framework=searching.known_framework(framework),
                tag=tag,
                metrics=searching.conditions(where),
                sort=Sort.parse(sort or "newest"),
                limit=limit or _EVERY,
                offset=offset,
            )
        else:
            versions = list_models(session, name)
        rows = [
            [
                v.label,
                f"{v.facts.framework.label} {v.facts.framework_version}",
                ", ".join(v.aliases),
                ", ".join(f"{key} {value:g}" for key, value in v.metrics.items()),
                moment(v.created),
            ]
            for v in versions
        ]
        terminal.result(versions, *table(["Version", "Framework", "Aliases", "Metrics", "Registered"], rows))


def show(terminal: Terminal, model: ModelRef) -> None:
    """Show one version: where it comes from, what it needs, what it takes and gives."""
    from kronkers_studio.workflows.models import show_model

    with terminal.session() as session:
        version = show_model(session, *parse_model(model))
        terminal.result(version, *_version_lines(version), *model_tests.tested_lines(session, version))


def alias(
    terminal: Terminal,
    model: Annotated[str, typer.Argument(metavar="NAME:V")],
    alias_name: Annotated[str, typer.Argument(metavar="ALIAS", help="For instance champion; no number.")],
) -> None:
    """Let an alias name a version."""
    from kronkers_studio.workflows.models import set_alias

    name, version = parse_model_version(model)
    with terminal.session() as session:
        moved = set_alias(session, name, version, alias_name)
        terminal.result(moved, f"{name}@{alias_name} is version {moved.version} now")


def package(
    terminal: Terminal,
    model: ModelRef,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE.oci.tar", help="Write the image.")] = None,
    base: Annotated[str, typer.Option("--base", help="The base image: a registry reference or an archive file.")] = "",
    platform: Annotated[
        str, typer.Option("--platform", help="What it runs on, e.g. linux/arm64; by default as in the settings.")
    ] = "",
    push: Annotated[
        str, typer.Option("--push", metavar="REGISTRY/REPOSITORY[:TAG]", help="Put the image into a registry.")
    ] = "",
) -> None:
    """Build the package of a version, without Docker, and sign it."""
    from kronkers_studio.workflows.packages import package_model, push_package

    if push and output is not None:
        raise InvalidInput("A package goes into a file or to a registry.", next_step="Use --output or --push.")
    with terminal.session() as session:
        if push:
            with terminal.progress() as progress:
                pushed = push_package(
                    session,
                    *parse_model(model),
                    reference=push,
                    base=base,
                    platform=platform,
                    progress=progress,
                    cancel=terminal.cancel,
                )
            terminal.result(
                pushed,
                f"{pushed.reference}  {pushed.digest}",
                f"{plural(pushed.uploaded, 'part')} sent ({size(pushed.bytes_sent)}), "
                f"{pushed.mounted} taken from another repository, the rest was there",
            )
            return
        with terminal.progress() as progress:
            result = package_model(
                session,
                *parse_model(model),
                output=output,
                base=base,
                platform=platform,
                progress=progress,
                cancel=terminal.cancel,
            )
        built = result.package
        rows = [[layer.role, size(layer.size), layer.digest] for layer in built.layers]
        terminal.result(
            result,
            f"{built.model}:{built.version}  {built.digest}" + ("  (as built before)" if result.reused else ""),
            f"{built.platform}, Python {built.python_version}, "
            f"{plural(len(built.requirements), 'dependency', 'dependencies')}",
            *table(["Layer", "Size", "Digest"], rows),
            *([f"Written to {result.file}"] if result.file else []),
        )
        model_tests.note_tests(terminal, session, session.workspace.ledger.model_version(built.model, built.version))


def verify(
    terminal: Terminal,
    package: Annotated[
        str, typer.Argument(metavar="FILE|REFERENCE", help="An OCI archive (.tar), or an image in a registry.")
    ],
) -> None:
    """Verify a package that was written to a file or pushed: that it is what was packaged, and who signed it.

    In a file that is every byte. In a registry the layers are only asked for: who pulls them compares their bytes.
    """
    from kronkers_studio.workflows.packaged_files import verify_package, verify_pushed

    with terminal.session() as session:
        with terminal.progress() as progress:
            if package.lower().endswith(".tar") or from_home(Path(package)).exists():
                found = verify_package(session, Path(package), progress=progress, cancel=terminal.cancel)
            else:
                found = verify_pushed(session, package, progress=progress, cancel=terminal.cancel)
        terminal.result(
            found,
            f"{found.model}:{found.version}  {found.digest}",
            f"signed by {found.signer} ({found.fingerprint})",
            f"{plural(found.components, 'component')}, {size(found.bytes_read)} read: all as it was packaged",
        )


def _version_lines(version: ModelVersion) -> list[str]:
    facts = version.facts
    return [
        f"{version.label}  ({', '.join(version.aliases)})" if version.aliases else version.label,
        f"from {version.source}",
        f"{f'{facts.framework.label} {facts.framework_version}'.strip()}, {facts.file_format}"
        + (f", with {', '.join(facts.libraries)}" if facts.libraries else "")
        + f", Python {facts.python_version}"
        + (f"; assumed: {', '.join(facts.assumed)}" if facts.assumed else ""),
        *signatures.signature_lines(version),
        *[f"with the file {weights.name}" for weights in facts.weights],
        *[f"needs the package {package} in its base image" for package in facts.packages],
        *_outside(version),
        *notes_of(version),
        *[f"{name} = {value:g}" for name, value in version.metrics.items()],
        *([f"tagged {', '.join(version.tags)}"] if version.tags else []),
        *([f"trained on {version.data}"] if version.data else []),
    ]


def _outside(version: ModelVersion) -> list[str]:
    """What the file names that is not on the list."""
    left = [name for name in version.facts.unsafe if name not in version.allowed]
    refused = [f"names what is not on the list, and cannot be packaged until that is allowed: {', '.join(left)}"]
    code = [f"with the project's own code: {file.path} ({size(file.size)})" for file in version.facts.code]
    return [*code, *allowances.allowance_lines(version), *(refused if left else [])]
