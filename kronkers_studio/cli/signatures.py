"""The command that says what a model takes and gives where its file does not, and how that is written and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import moment
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import ModelVersion, Tensor
from kronkers_studio.domain.references import parse_model
from kronkers_studio.domain.stated_signatures import is_untold, parse_tensor

if TYPE_CHECKING:
    from kronkers_studio.domain.models import Signature
    from kronkers_studio.workflows.session import Session

ModelRef = Annotated[
    str, typer.Argument(metavar="NAME[:V|@ALIAS]", help="A model; its newest version if none is named.")
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME:TYPE[LENGTHS]",
        help="What it takes, where its file does not say it, e.g. image:FP32[-1,3,224,224], or with names of columns "
        "x:FP32[-1,2]=age,income.",
    ),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option("--output", metavar="NAME:TYPE[LENGTHS]", help="What it gives, e.g. scores:FP32[-1,2]=cat,dog."),
]
Example = Annotated[
    Path | None,
    typer.Option("--example", metavar="FILE", help="Take the inputs from this request, arrays (.npy, .npz) or rows."),
]
_LEVELS_SHOWN = 10


def add_commands(model: typer.Typer) -> None:
    command(model, "signature")(signature)


def signature(
    terminal: Terminal,
    model: ModelRef,
    inputs: Inputs = None,
    outputs: Outputs = None,
    *,
    example: Example = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was said before.")] = False,
) -> None:
    """Show what a version takes and gives, or say it where its file does not. It counts from the next package on."""
    from kronkers_studio.workflows.models import show_model
    from kronkers_studio.workflows.stated_signatures import state_signature

    reference = parse_model(model)
    _require_one_way(inputs, example)
    said, given = parsed(inputs), parsed(outputs)
    with terminal.session() as session:
        version = show_model(session, *reference)
        known = version.facts.signature if reset else version.signature
        said = with_example(session, said, example, known)
        if said or given or reset:
            model_version = (version.name, version.version, None)
            version = state_signature(session, model_version, inputs=said, outputs=given, reset=reset)
        terminal.result(version, version.label, *signature_lines(version))


def parsed(texts: list[str] | None) -> list[Tensor]:
    """What was written of inputs or outputs. Raises ``InvalidInput``."""
    return [parse_tensor(text) for text in texts or ()]


def with_example(session: Session, said: list[Tensor], example: Path | None, known: Signature) -> list[Tensor]:
    """The inputs that were ``said``, or those of an example. Raises ``InvalidInput``."""
    if example is None:
        return said
    from kronkers_studio.workflows.example_inputs import inputs_of_example

    return list(inputs_of_example(session, example, known))


def _require_one_way(inputs: list[str] | None, example: Path | None) -> None:
    if inputs and example is not None:
        raise InvalidInput("The inputs are said, or taken from an example.", next_step="Use --input or --example.")


def signature_lines(version: ModelVersion) -> list[str]:
    """What a version takes and gives, who said so, and what to do where nobody did."""
    known, said = version.signature, version.stated
    no_rows = why_no_rows(known)
    untold = is_untold(version)
    return [
        *[f"takes {_tensor(tensor)}" for tensor in known.inputs],
        *[f"gives {_tensor(tensor)}" for tensor in known.outputs],
        *([f"takes no rows, only whole tensors (/v2/models/{version.name}/infer): {no_rows}"] if no_rows else []),
        *([f"as {said.author} said on {moment(said.at)}; the file does not say it"] if said is not None else []),
        *([f"Say what it takes: kronkers model signature {version.label} --input …"] if untold else []),
    ]


def _tensor(tensor: Tensor) -> str:
    shape = " × ".join("n" if length < 0 else str(length) for length in tensor.shape)
    shape = "of any shape" if tensor.any_rank else shape or "single value"
    columns = f": {', '.join(tensor.columns)}" if tensor.columns else ""
    levels = f", one of {', '.join(tensor.levels[:_LEVELS_SHOWN])}" if tensor.levels else ""
    more = f" and {len(tensor.levels) - _LEVELS_SHOWN} others" if len(tensor.levels) > _LEVELS_SHOWN else ""
    return f"{tensor.name} ({tensor.datatype.value} {shape}){columns}{levels}{more}"
