"""One ONNX graph from a calibrated PyTorch model: parity checked, metadata added, card completed to a manifest."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import rich
import torch

from cxr.imaging import preprocess
from cxr.schemas import ModelCard
from trainer.contract import IMAGE, OUTPUTS, Films
from trainer.data import kermany
from trainer.data.film import data_folder
from trainer.errors import MissingFolder
from trainer.half_weights import store_in_half
from trainer.phantom import phantoms
from trainer.refusals import ExportDiffers
from trainer.repository import MANIFEST, write_whole
from trainer.runs import Run, RunName
from trainer.scorers import onnx_scorer

# What torch's exporter writes natively; every engine here (TensorRT >= 10, OpenVINO, ONNX Runtime) reads it.
OPSET = 18
# fp32 rounding in another order of summation; a wrong graph is off by orders of magnitude more. Relative to the largest
# absolute value of that output, which for PROBABILITY is at most 1.
PARITY_TOLERANCE = 2e-4


def export(
    run: RunName,
) -> None:
    """Write model.onnx, manifest.json and parity.json into the run's folder."""
    from trainer.served import served_of

    served, folder = served_of(Run(run)), Run(run).folder
    card = export_run(served.model, served.card, folder, parity_films(served.card["image_size_px"]))
    size_mb = (folder / "model.onnx").stat().st_size / 1e6
    rich.print(f"{folder / 'model.onnx'}: {size_mb:.1f} MB, SHA-256 {card.onnx_sha256[:12]}, parity in parity.json")


def export_run(model: torch.nn.Module, fields: dict[str, Any], folder: Path, films: Films) -> ModelCard:
    """Export ``model`` into ``folder`` and complete its card.

    Args:
        model: uint8 [N,1,S,S] in, (PROBABILITY [N,1], HEATMAP [N,h,w], OOD_SCORE [N,1]) fp32 out.
        fields: the ModelCard's fields except ``onnx_sha256`` and ``version``; publishing numbers the version.
        films: [N,1,S,S] uint8 on which PyTorch and the graph must agree.

    Raises:
        ExportDiffers: and leaves no model.onnx behind.
    """
    temporary = folder / ".model.onnx.writing"
    try:
        write_onnx(
            model,
            temporary,
            fields["image_size_px"],
            {k: str(fields[k]) for k in ("name", "preprocess_version", "weights_sha256")},
        )
        parity = {"weights_sha256": fields["weights_sha256"], **parity_of(model, temporary, films)}
        write_whole(folder / "parity.json", json.dumps(parity, indent=2) + "\n")
        if worst := [name for name in OUTPUTS if not parity[name] <= PARITY_TOLERANCE]:
            raise ExportDiffers(", ".join(f"{name} by {parity[name]:.2g} of its range" for name in worst))
        temporary.replace(folder / "model.onnx")
    finally:
        temporary.unlink(missing_ok=True)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    card = ModelCard.model_validate({**fields, "version": 1, "onnx_sha256": digest})
    write_whole(folder / MANIFEST, card.model_dump_json(indent=2) + "\n")
    return card


def write_onnx(model: torch.nn.Module, path: Path, size_px: int, metadata: dict[str, str]) -> None:
    """Export with a dynamic batch into one self-contained, checked file, free of the exporting machine's traces."""
    model.eval()
    example = torch.from_numpy(phantoms(2, size_px))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of the absent torchvision
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # deprecations inside the exporter
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            input_names=[IMAGE],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
            opset_version=OPSET,
            external_data=False,
            optimize=True,
            verbose=False,
        )
    assert program is not None  # only with dynamo=False
    graph = program.model_proto
    _forget_origin(graph)
    store_in_half(graph)
    onnx.helper.set_model_props(graph, metadata)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's debug notes: they hold source paths of this machine and are a tenth of a small file."""
    graph = model.graph
    for item in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
        *model.functions,
    ):
        del item.metadata_props[:]
        item.doc_string = ""


def parity_of(model: torch.nn.Module, path: Path, films: Films) -> dict[str, Any]:
    """Largest difference between PyTorch and the graph, over each output's largest absolute value, batch 1 and 16."""
    score = onnx_scorer(path)
    differences = dict.fromkeys(OUTPUTS, 0.0)
    for batch in (films[:1], *(films[i : i + 16] for i in range(0, len(films), 16))):
        with torch.no_grad():
            expected = [output.numpy() for output in model(torch.from_numpy(batch))]
        answers = score(batch)
        for name, reference in zip(OUTPUTS, expected, strict=True):
            if answers[name].shape != reference.shape:
                raise ExportDiffers(f"{name} has shape {answers[name].shape}, PyTorch gives {reference.shape}")
            scale = max(float(np.abs(reference).max()), 1e-6)
            differences[name] = max(differences[name], float(np.abs(answers[name] - reference).max()) / scale)
    return {**differences, "films": len(films), "tolerance": PARITY_TOLERANCE}


def parity_films(size_px: int) -> Films:
    """Phantoms, and some 50 training films where they are there."""
    drawn = phantoms(16, size_px)
    try:
        films = kermany.read(data_folder("kermany_224"), "train")[::110]
    except MissingFolder:
        return drawn
    return np.concatenate([drawn, np.stack([preprocess(film.path.read_bytes()) for film in films])])
