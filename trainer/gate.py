"""The gate: no engine is published unless it answers as the ONNX fp32 model does, on real films.

The proof is ``runs/<name>/gate-<engine>.json``; it names the ONNX file by hash, so it opens for that file only.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import rich
import typer
from numpy.typing import NDArray

from cxr.schemas import Frozen, ModelCard
from cxr.triton import ModelClient
from trainer.contract import MODEL_NAME, OOD_SCORE, PROBABILITY, Answers, Scorer
from trainer.errors import MissingStep
from trainer.films import LabelledFilms, real_films
from trainer.golden import GOLDEN_FILES, GoldenSet, decisions, disagreements, golden_of
from trainer.phantom import phantoms
from trainer.refusals import GateClosed
from trainer.repository import MANIFEST, OPENVINO, write_whole
from trainer.runs import RUNS_DIR, RunName
from trainer.scorers import in_batches, onnx_scorer, openvino_scorer, triton_scorer

GOLDEN_FILMS = 64
GOLDEN_PHANTOMS = 16


@dataclass(frozen=True)
class Limits:
    """How far an engine may be from the ONNX fp32 model on the evaluation films.

    The share of flipped decisions is the project's release criterion (0.5 %, with none of the golden set). The others
    are set well below what matters clinically: published AUCs of this test set differ in the third decimal.
    """

    auc_difference: float = 0.001
    decisions_flipped: float = 0.005
    findings_changed: float = 0.02
    mean_probability_difference: float = 0.005
    max_probability_difference: float = 0.15


class GateProof(Frozen):
    """What was compared, how far apart it was, and why it was refused (no ``reasons``: admitted).

    ``decisions_flipped`` counts the films that crossed the threshold, ``findings_changed`` also those that entered or
    left the indeterminate band or were refused by one engine only.
    """

    engine: str
    onnx_sha256: str
    films: int
    auc_reference: float
    auc_candidate: float
    decisions_flipped: int
    findings_changed: int
    mean_probability_difference: float
    max_probability_difference: float
    max_ood_score_difference: float
    limits: dict[str, float]
    reasons: list[str]

    @property
    def admitted(self) -> bool:
        return not self.reasons


def gate(
    run: RunName,
    engine: Annotated[
        str, typer.Option(help="openvino-bf16, openvino-fp32, openvino-int8, or triton:HOST:PORT.")
    ] = OPENVINO,
) -> None:
    """Compare an engine with the ONNX fp32 model on the evaluation films; write the proof and the golden set."""
    folder = RUNS_DIR / run
    if not (folder / MANIFEST).is_file():
        raise MissingStep(f"{folder / MANIFEST} is missing: python -m trainer export --run {run}")
    card = ModelCard.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    films = real_films()
    if films is None:
        raise MissingStep("the gate needs real films: set CXR_DATA to the folder that holds kermany_224")
    onnx_path = folder / "model.onnx"
    if hashlib.sha256(onnx_path.read_bytes()).hexdigest() != card.onnx_sha256:
        raise MissingStep(f"{onnx_path} is not the file of its manifest: export again")
    name, candidate = candidate_scorer(engine, folder)
    reference = onnx_scorer(onnx_path)
    answers = in_batches(reference, films.images)
    proof = compare(name, films, answers, in_batches(candidate, films.images), card)
    for golden, file in zip(golden_sets(films, answers, reference, card), GOLDEN_FILES, strict=True):
        golden.save(folder / file)
        found = [f"{file} is empty: no film's answer is clear of the operating point's limits"]
        if len(golden.images):
            found = disagreements(golden, in_batches(candidate, golden.images), card.operating_point)
        proof = proof.model_copy(update={"reasons": proof.reasons + found})
    write_whole(folder / f"gate-{name}.json", proof.model_dump_json(indent=2) + "\n")
    rich.print(proof)
    if not proof.admitted:
        raise GateClosed("; ".join(proof.reasons))


def candidate_scorer(engine: str, folder: Path) -> tuple[str, Scorer]:
    """The engine's name, as findings will carry it, and the way to ask it."""
    if engine.startswith("triton:"):
        client = ModelClient(engine.removeprefix("triton:"), MODEL_NAME)
        return client.served().engine, triton_scorer(client)
    files = {
        "openvino-bf16": ("model.onnx", "bf16"),
        "openvino-fp32": ("model.onnx", "f32"),
        "openvino-int8": ("model.int8.onnx", "bf16"),
    }
    if engine not in files:
        raise MissingStep(f"{engine} is not one of {', '.join(files)} or triton:HOST:PORT")
    file, precision = files[engine]
    if not (folder / file).is_file():
        raise MissingStep(f"{folder / file} is missing")
    return engine, openvino_scorer(folder / file, precision)


def compare(
    engine: str,
    films: LabelledFilms,
    reference: Answers,
    candidate: Answers,
    card: ModelCard,
    limits: Limits = Limits(),
) -> GateProof:
    """Measure how far ``candidate`` is from ``reference`` and hold it against ``limits``."""
    p, q = reference[PROBABILITY][:, 0], candidate[PROBABILITY][:, 0]
    ood_p, ood_q = reference[OOD_SCORE][:, 0], candidate[OOD_SCORE][:, 0]
    point, count = card.operating_point, len(p)
    before, after = decisions(p, ood_p, point), decisions(q, ood_q, point)
    auc_p, auc_q = area_under_roc(films.labels, p), area_under_roc(films.labels, q)
    measured = {
        "auc_difference": abs(auc_p - auc_q),
        "decisions_flipped": float(np.mean((p >= point.threshold) != (q >= point.threshold))),
        "findings_changed": float(np.mean([b != a for b, a in zip(before, after, strict=True)])),
        "mean_probability_difference": float(np.abs(p - q).mean()),
        "max_probability_difference": float(np.abs(p - q).max()),
    }
    allowed = asdict(limits)
    return GateProof(
        engine=engine,
        onnx_sha256=card.onnx_sha256,
        films=count,
        auc_reference=auc_p,
        auc_candidate=auc_q,
        decisions_flipped=round(measured["decisions_flipped"] * count),
        findings_changed=round(measured["findings_changed"] * count),
        mean_probability_difference=measured["mean_probability_difference"],
        max_probability_difference=measured["max_probability_difference"],
        max_ood_score_difference=float(np.abs(ood_p - ood_q).max()),
        limits=allowed,
        reasons=[
            f"{name} is {value:.4f}, at most {allowed[name]} is allowed"
            for name, value in measured.items()
            if not value <= allowed[name]
        ],
    )


def golden_sets(
    films: LabelledFilms, answers: Answers, reference: Scorer, card: ModelCard
) -> tuple[GoldenSet, GoldenSet]:
    """The real and the drawn golden set, with the reference's answers."""
    evenly = np.linspace(0, len(films.images) - 1, GOLDEN_FILMS).round().astype(int)
    real = golden_of(films.images[evenly], {key: rows[evenly] for key, rows in answers.items()}, card.operating_point)
    images = phantoms(GOLDEN_PHANTOMS, card.image_size_px)
    return real, golden_of(images, reference(images), card.operating_point)


def area_under_roc(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> float:
    """The chance that a pneumonia film scores above a normal one, ties counting half (Mann-Whitney U)."""
    normal = np.sort(scores[labels == 0])
    ill = scores[labels == 1]
    below, not_above = np.searchsorted(normal, ill, "left"), np.searchsorted(normal, ill, "right")
    return float((below + not_above).sum() / (2 * len(normal) * len(ill)))
