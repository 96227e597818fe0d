"""Step ``calibrate``: networks of a run -> one served model with probabilities, findings and refusals; no test film
is seen.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
import rich
import torch
import typer

from cxr.imaging import IMAGE_SIZE_PX, PREPROCESS_VERSION
from cxr.schemas import OperatingPoint
from trainer.architectures import REGISTRY
from trainer.calibration import choose, ood_limit
from trainer.chest_films import WITHOUT_ADULTS, adults, fit_refusal, scores_of
from trainer.data.about import About, about_films
from trainer.data.digest import sha256_of_films
from trainer.data.film import data_folder
from trainer.data.kermany import FOLDER
from trainer.errors import UnknownName
from trainer.kermany_set import FilmSet
from trainer.metrics import auc
from trainer.model import ServedModel, save_served, sha256_of_weights
from trainer.networks import load_networks, network_named, refuse_other_films, shifted_logits
from trainer.prepared import prepared_films
from trainer.refusals import StepRefused
from trainer.runs import Run, RunName
from trainer.shift import NAMES
from trainer.soup import average_weights
from trainer.terminal import show

WAYS = ("weights", "logits")
ADULTS_TOO = "refusal also fitted on films of the NIH Clinical Center's ChestX-ray14 (Wang et al. 2017)"


def calibrate(
    run: RunName,
    seeds: Annotated[str, typer.Option(help="Which of the run's networks to serve; empty means the only one.")] = "",
    average: Annotated[
        str,
        typer.Option(
            help="How several networks answer. logits: all of them, by their mean log-odds; weights: one network of"
            " their mean weights (measured and not served: docs/experiments.md, 6)."
        ),
    ] = "",
    networks: Annotated[
        str,
        typer.Option(
            help="run/seedN, comma-separated: networks of any runs that answer together by their mean log-odds; the"
            " first also tells what is no chest film. Instead of --seeds and --average.",
        ),
    ] = "",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Choose calibration, operating point, indeterminate band and OOD limit, and save served.pt and card.json."""
    torch.set_num_threads(threads)
    folder = Run(run)
    named = {name: network_named(name) for name in networks.split(",")} if networks else load_networks(folder, seeds)
    average = way_to_average("logits" if networks else average, folder, list(named))
    train, validation = prepared_films(folder)
    refuse_other_films([name if networks else f"{run}/{name}" for name in named], train)
    each = {name: shifted_logits(folder, name, network, validation) for name, network in named.items()}
    members = list(named.values())
    if average == "weights" and len(members) > 1:
        members = [average_weights(members)]
        served = shifted_logits(folder, "mean_" + "_".join(each), members[0], validation)
    else:
        served = {name: np.mean([logits[name] for logits in each.values()], axis=0) for name in NAMES}
    chosen = choose(served, validation.labels)
    grown = adults()
    if grown is None:
        rich.print(WITHOUT_ADULTS)
    ood = fit_refusal(members[0], train, grown.fit if grown else None)
    held_out = [validation] if grown is None else [validation, grown.limit]
    limit = ood_limit(*(scores_of(members[0], ood, films.pixels) for films in held_out))
    point = chosen.point(limit)
    model = ServedModel(members, ood, chosen.platt.slope, chosen.platt.intercept).eval()
    words = about_films(data_folder(FOLDER))
    stated = {
        **card(model, point, train),
        "architecture": described(model, len(named)),
        "intended_use": words.intended_use,
        "attribution": attribution(model, words, with_adults=grown is not None),
    }
    folder.path("card.json").unlink(missing_ok=True)  # a kill in between leaves no card rather than another network's
    save_served(model, folder.path("served.pt"))
    folder.write_json("card.json", stated)
    aucs = {name: {shift: auc(validation.labels, logits[shift]) for shift in NAMES} for name, logits in each.items()}
    aucs["served"] = {shift: auc(validation.labels, served[shift]) for shift in NAMES}
    proof = folder.write_proof(
        "calibration.json",
        stated["weights_sha256"],
        {**asdict(chosen), "ood_limit": limit, "average": average, "shifted_auc": aucs},
    )
    show(
        f"{run}: the served model",
        ["", ""],
        [
            ["pneumonia from", chosen.threshold],
            ["indeterminate", f"{chosen.low:.3f} to {chosen.high:.3f}"],
            ["refused above", limit],
            ["Platt slope, intercept", f"{chosen.platt.slope:.3f}, {chosen.platt.intercept:.3f}"],
        ],
    )
    show("AUC on the shifted validation", ["", *NAMES], [[name, *row.values()] for name, row in aucs.items()], proof)


def way_to_average(average: str, run: Run, names: list[str]) -> str:
    """How the named networks of the run answer together.

    Raises:
        StepRefused: they are several, and nobody said how.
        UnknownName: there is no such way.
    """
    if average not in ("", *WAYS):
        raise UnknownName(f"average {average}; there are {', '.join(WAYS)}")
    if len(names) > 1 and not average:
        raise StepRefused(f"{', '.join(names)} of {run.folder}: say --seeds and one of them, or --average")
    return average or "weights"


def described(model: ServedModel, members: int) -> str:
    """Architectures, resolution and how many networks went into it."""
    kinds = dict.fromkeys(
        f"{network.spec['architecture']} at {network.spec['size_px']} px" for network in model.networks
    )
    name = " and ".join(kinds)
    if members == 1:
        return name
    of_what = "" if len(kinds) == members else f" of {members} seeds"
    return f"{name}, {'mean weights' if len(model.networks) == 1 else 'mean log-odds'}{of_what}"


def card(model: ServedModel, point: OperatingPoint, train: FilmSet) -> dict[str, Any]:
    """The model card without architecture, the words about the films, and what export and publish add (onnx_sha256,
    version).
    """
    return {
        "name": "pneumonia_classifier",
        "preprocess_version": PREPROCESS_VERSION,
        "image_size_px": IMAGE_SIZE_PX,
        "heatmap_size": list(model.heatmap_size()),
        "operating_point": point.model_dump(),
        "training_data_sha256": sha256_of_films(train.films),
        "weights_sha256": sha256_of_weights(model),
        "metrics": {},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def attribution(model: ServedModel, about: About, *, with_adults: bool) -> str:
    """Whose films and weights went into the model."""
    names = dict.fromkeys(network.spec["architecture"] for network in model.networks)
    started = ", ".join(name for name in names if REGISTRY[name].pretrained)
    parts = [f"Training films: {about.source} (licence: {about.licence})"]
    parts += [ADULTS_TOO] if with_adults else []
    parts += [f"starting weights of {started}: ImageNet (Apache-2.0)"] if started else []
    return "; ".join(parts) + "."
