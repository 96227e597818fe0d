"""The command line: ``python -m trainer <step> --run NAME``; every step can be run alone and saves its proof in its
run's folder.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, NamedTuple

import rich
import typer
from typer.core import TyperCommand, TyperGroup

from cxr.errors import CxrError


class Step(NamedTuple):
    """One command: the function that does it, as ``module:function``, imported only when it is asked for."""

    target: str
    help: str


STEPS = {
    "prepare": Step(
        "trainer.prepare:prepare", "Read the films, split by patient, drop duplicates, print and draw a summary."
    ),
    "train": Step(
        "trainer.train:train", "Train one network a seed on the training films; stopped, the same command goes on."
    ),
    "distil": Step("trainer.distil:distil", "Teach networks the mean answer of all networks of other runs."),
    "calibrate": Step(
        "trainer.calibrate:calibrate", "Calibrate, choose the operating point and OOD limit, and save served.pt."
    ),
    "evaluate": Step("trainer.evaluate:evaluate", "Measure on validation; with --final, on the test films too."),
    "audit": Step(
        "trainer.audit:audit", "Ask whether the model sees pneumonia or the recording; validation films only."
    ),
    "corrupt": Step("trainer.corruptions:corrupt", "Spoil the validation films in seven ways and measure again."),
    "refuse": Step("trainer.refusal:refuse", "Measure what is refused as not a frontal chest film."),
    "quality": Step("trainer.quality:quality", "Measure what is remarked on turned, cropped and flat films."),
    "external": Step("trainer.external:external", "Measure on films from elsewhere, by view, age and sex."),
    "ablate": Step("trainer.ablate:ablate", "Leave out one augmentation at a time; say what the flip costs."),
    "compare": Step("trainer.compare:compare", "Train every architecture on equal terms; accuracy against throughput."),
    "speed": Step("trainer.speed:speed", "Measure throughput in OpenVINO beside EfficientNet-Lite0 at 224 px."),
    "report": Step("trainer.report:report", "Write results.md, model_card.md and the other pages from the proofs."),
    "export": Step("trainer.export:export", "Write the ONNX graph, checked against PyTorch, and its manifest."),
    "precision": Step("trainer.precision:precision", "Write the graph in fp16 (TensorRT) or int8 (OpenVINO)."),
    "gate": Step(
        "trainer.gate:gate",
        "Compare engines with the ONNX fp32 model on validation films, with --final on test films too; write proofs.",
    ),
    "publish": Step(
        "trainer.publish:publish", "Bring a gated model into Triton's repository and into service, or undo."
    ),
    "serve": Step("trainer.serve:serve", "Go back to a version that lies in the repository: load, prove, or undo."),
    "remeasure": Step(
        "trainer.remeasure:remeasure",
        "Score the served graph on validation and test films (an opening, logged) and hold it against its card.",
    ),
    "engine": Step(
        "trainer.engine:engine", "Build the served version's TensorRT plan on this machine, if it is stale."
    ),
    "provision": Step(
        "trainer.provision:provision", "Before Triton starts: fetch or build this machine's engine, and prove it there."
    ),
    "config": Step(
        "trainer.repository:config", "Generate the Triton configs from the served (or newest) version's manifest."
    ),
}


class LazySteps(TyperGroup):
    """Lists all steps at once but imports only the one that runs, so that ``--help`` does not wait for torch."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(STEPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """A stub with the name and the help: enough for the list."""
        return TyperCommand(cmd_name, help=STEPS[cmd_name].help) if cmd_name in STEPS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """The command itself, when it is asked for."""
        if args and args[0] in STEPS:
            return args[0], _command(args[0]), args[1:]
        return super().resolve_command(ctx, args)


def _command(name: str) -> Any:
    module, function = STEPS[name].target.split(":")
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, help=STEPS[name].help)(getattr(importlib.import_module(module), function))
    return typer.main.get_command(single)


app = typer.Typer(
    cls=LazySteps, no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False
)


@app.callback()
def _steps() -> None:
    """From films to a published model."""


def main() -> None:
    """Run one step; what goes wrong in a known way is one sentence on standard error and exit status 2."""
    try:
        app()
    except CxrError as error:
        rich.print(f"[bold red]{error.code}[/] {error}", file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
