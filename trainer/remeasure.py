"""Step ``remeasure``: score the published graph itself and see whether its card tells the truth.

Everything else measures the network in PyTorch, from a run's folder. This needs the model repository and the films
only, so anybody can repeat the figures of the model that is served.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import rich
import typer

from cxr.schemas import ModelCard
from trainer.contract import MODEL_NAME, PROBABILITY
from trainer.evaluate import figure_table, measure
from trainer.kermany_set import FilmSet, test_films, train_and_validation
from trainer.metrics import Floats
from trainer.refusals import CardDiffers
from trainer.reliability import histogram, reliability_bins
from trainer.repository import MANIFEST, card_of, card_to_serve, cpu_engine_of, write_configs, write_whole
from trainer.scorers import in_batches, onnx_scorer

# Rounding in another order of summation may move single films across a limit; one film of 624 is 0.0016.
TOLERANCE = 0.002


def remeasure(
    repository: Annotated[Path, typer.Option(help="Triton's model repository.")] = Path("model_repository"),
    write: Annotated[
        bool, typer.Option("--write", help="Renew the card's reliability and reference histogram, and the configs.")
    ] = False,
) -> None:
    """Score validation and test films with the served ONNX graph, and compare with the card's figures.

    Raises:
        CardDiffers: a figure of the card is not reproduced within one film.
    """
    folder = repository / MODEL_NAME
    card = card_to_serve(folder)
    graph = folder / str(card.version) / "model.onnx"
    train, validation = train_and_validation()
    why = "remeasure: the published graph against its own card"
    test = test_films(f"{card.name} version {card.version}", why, (train, validation))
    expected = probabilities_of(graph, validation)
    found = probabilities_of(graph, test)
    compare(card, "validation", validation, expected)
    compare(card, "test", test, found)
    renewed = card.model_copy(
        update={
            "reliability": reliability_bins(test.labels, found),
            "reference_histogram": histogram(expected),
        }
    )
    if write:
        manifest = graph.with_name(MANIFEST)
        write_whole(manifest, renewed.model_dump_json(indent=2) + "\n")
        write_configs(folder, card_of(folder, card.version), cpu_engine_of(folder, card.version))
        rich.print(f"{manifest} and the configs rewritten")


def probabilities_of(graph: Path, films: FilmSet) -> Floats:
    """[N] calibrated probabilities by ONNX Runtime, fp32."""
    return in_batches(onnx_scorer(graph), films.pixels)[PROBABILITY][:, 0].astype(float)


def compare(card: ModelCard, name: str, films: FilmSet, probabilities: Floats) -> None:
    """Print the figures of one set and hold them against the card's.

    Raises:
        CardDiffers: naming the figures that lie apart.
    """
    measured = measure(films.labels, probabilities, films.patients, card.operating_point)
    rich.print(figure_table(f"{card.name} version {card.version}: {name}, {len(films.films)} films", measured))
    apart = {
        figure: (estimate.value, measured[figure].value)
        for figure, estimate in card.metrics.get(name, {}).items()
        if abs(estimate.value - measured[figure].value) > TOLERANCE
    }
    if apart:
        raise CardDiffers(
            f"{name}: " + ", ".join(f"{key} {said:.4f}, is {is_:.4f}" for key, (said, is_) in apart.items())
        )
