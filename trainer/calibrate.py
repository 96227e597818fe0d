"""Step ``calibrate``: networks of a run -> one served model with probabilities, findings and refusals; no test film
is seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console

from cxr.imaging import IMAGE_SIZE_PX, PREPROCESS_VERSION
from cxr.schemas import OperatingPoint
from trainer.architectures import REGISTRY
from trainer.calibration import choose, ood_limit
from trainer.chest_films import adults, fit_refusal, scores_of
from trainer.data.digest import sha256_of_films
from trainer.errors import MissingStep
from trainer.kermany_set import FilmSet, shifted_validation, train_and_validation
from trainer.metrics import Floats, auc
from trainer.model import Classifier, ServedModel, save_served
from trainer.runs import Run, RunName
from trainer.scoring import logits_of
from trainer.shift import NAMES
from trainer.soup import average_weights
from trainer.train import load_network

INTENDED_USE = (
    "Research and teaching: sorting frontal chest X-rays of children aged 1 to 5 for a person to read. "
    "Not a medical device; not for diagnosis, adults, or lateral films."
)
ATTRIBUTION = (
    "Kermany, Zhang, Goldbaum 2018, doi:10.17632/rscbjbr9sj (CC BY 4.0); refusal also fitted on films of the "
    "NIH Clinical Center's ChestX-ray14 (Wang et al. 2017)"
)
CONSOLE = Console()


def calibrate(
    run: RunName,
    seeds: Annotated[str, typer.Option(help="Which of the run's networks to serve; empty means all.")] = "",
    average: Annotated[
        str, typer.Option(help="weights: one network of mean weights; logits: all networks.")
    ] = "weights",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Choose calibration, operating point, indeterminate band and OOD limit, and save served.pt and card.json."""
    torch.set_num_threads(threads)
    folder = Run(run)
    named = load_networks(folder, seeds)
    train, validation = train_and_validation()
    each = {name: shifted_logits(folder, name, network, validation) for name, network in named.items()}
    networks = list(named.values())
    if average == "weights" and len(networks) > 1:
        networks = [average_weights(networks)]
        served = shifted_logits(folder, "mean_" + "_".join(each), networks[0], validation)
    else:
        served = {name: np.mean([logits[name] for logits in each.values()], axis=0) for name in NAMES}
    chosen = choose(served, validation.labels)
    grown = adults()
    ood = fit_refusal(networks[0], train, grown.fit)
    limit = ood_limit(scores_of(networks[0], ood, validation.pixels), scores_of(networks[0], ood, grown.limit.pixels))
    point = chosen.point(limit)
    model = ServedModel(networks, ood, chosen.platt.slope, chosen.platt.intercept).eval()
    save_served(model, folder.path("served.pt"))
    folder.write_json("card.json", {**card(model, point, train), "architecture": described(model, len(named))})
    aucs = {name: {shift: auc(validation.labels, logits[shift]) for shift in NAMES} for name, logits in each.items()}
    aucs["served"] = {shift: auc(validation.labels, served[shift]) for shift in NAMES}
    folder.write_json(
        "calibration.json", {**asdict(chosen), "ood_limit": limit, "average": average, "shifted_auc": aucs}
    )
    CONSOLE.print(chosen, f"refused above {limit:.3f}", aucs)


def load_networks(run: Run, seeds: str = "") -> dict[str, Classifier]:
    """The run's networks by name, all or the named seeds.

    Raises:
        MissingStep: there are none.
    """
    names = (
        [f"seed{seed}" for seed in seeds.split(",")] if seeds else sorted(p.stem for p in run.folder.glob("seed*.pt"))
    )
    if not names:
        raise MissingStep(f"{run.folder} holds no seed*.pt: run `python -m trainer train --run {run.name}` first")
    return {name: load_network(run.existing(f"{name}.pt", "train")) for name in names}


def shifted_logits(run: Run, name: str, network: Classifier, validation: FilmSet) -> dict[str, Floats]:
    """A network's uncalibrated log-odds [N] on every shifted validation; kept in ``shifted/<name>.npz``."""
    path = run.path(f"shifted/{name}.npz")
    if not path.exists():
        found = {shift: logits_of(network, shifted_validation(validation, shift)) for shift in NAMES}
        np.savez(path, **found)  # type: ignore[arg-type]
    with np.load(path) as kept:
        return {shift: kept[shift] for shift in NAMES}


def described(model: ServedModel, members: int) -> str:
    """Architecture, resolution and how many networks went into it."""
    spec = model.networks[0].spec
    name = f"{spec['architecture']} at {spec['size_px']} px"
    if members == 1:
        return name
    return f"{name}, {'mean weights' if len(model.networks) == 1 else 'mean log-odds'} of {members} seeds"


def card(model: ServedModel, point: OperatingPoint, train: FilmSet) -> dict[str, Any]:
    """The model card without architecture and what export and publish add (onnx_sha256, version)."""
    return {
        "name": "pneumonia_classifier",
        "preprocess_version": PREPROCESS_VERSION,
        "image_size_px": IMAGE_SIZE_PX,
        "heatmap_size": list(model.heatmap_size()),
        "operating_point": point.model_dump(),
        "training_data_sha256": sha256_of_films(train.films),
        "weights_sha256": sha256_of_weights(model),
        "metrics": {},
        "intended_use": INTENDED_USE,
        "attribution": attribution(model),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def attribution(model: ServedModel) -> str:
    """Whose films and weights went into the model."""
    name = model.networks[0].spec["architecture"]
    starting = f"; starting weights {name}, ImageNet (Apache-2.0)" if REGISTRY[name].pretrained else ""
    return f"{ATTRIBUTION}{starting}."


def sha256_of_weights(model: ServedModel) -> str:
    """SHA-256, in hex, over name and bytes of every weight."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
