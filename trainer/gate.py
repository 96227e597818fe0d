"""The gate: no engine is published unless it answers as the ONNX fp32 model does, on real films.

The proof is ``runs/<name>/gate-<engine>.json``; it names the ONNX file by hash, so it opens for that file only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import rich
import typer
from numpy.typing import NDArray

from cxr.schemas import ModelCard
from cxr.triton import ModelClient
from trainer.contract import MODEL_NAME, OOD_SCORE, PROBABILITY, Answers, Films, Scorer
from trainer.errors import MissingStep
from trainer.exported import exported_card
from trainer.golden import GOLDEN_FILES, GoldenSet, decisions, disagreements, golden_of
from trainer.metrics import auc
from trainer.openings import Final, Why, refuse_without_reason
from trainer.phantom import phantoms
from trainer.precision import refuse_another_source
from trainer.proof import GateProof, proof_path
from trainer.refusals import GateClosed
from trainer.repository import write_whole
from trainer.runs import RUNS_DIR, Run, RunName
from trainer.scorers import CPU_ENGINES, REHEARSALS, in_batches, onnx_scorer, triton_scorer
from trainer.served_program import program_scorer
from trainer.terminal import show
from trainer.version_folder import backend_program

PROGRAMS = Path("model_repository") / MODEL_NAME
FILES = CPU_ENGINES | REHEARSALS
ENGINES = tuple(FILES)
ADDED = ("films", "decisions_flipped", "findings_changed")
WORST = (
    *("auc_difference", "mean_probability_difference"),
    *("max_probability_difference", "max_ood_score_difference"),
)
GOLDEN_FILMS = 64
GOLDEN_PHANTOMS = 16


@dataclass(frozen=True)
class Limits:
    """How far an engine may be from the ONNX fp32 model on the evaluation films.

    The share of flipped decisions is the project's release criterion (0.5 %, with none of the golden set). The others
    are set well below what matters clinically: published AUCs of the official test set differ in the third decimal.
    """

    auc_difference: float = 0.001
    decisions_flipped: float = 0.005
    findings_changed: float = 0.02
    mean_probability_difference: float = 0.005
    max_probability_difference: float = 0.15


LIMITS = Limits()


def gate(
    run: RunName,
    engine: Annotated[
        str | None, typer.Option(help=f"{', '.join(ENGINES)}, or triton:HOST:PORT; default: all that have their file.")
    ] = None,
    final: Final = False,
    why: Why = "",
) -> None:
    """Compare engines with the ONNX fp32 model on validation films, with --final on the official test films too;
    write the proofs and the golden sets.
    """
    from trainer.kermany_set import test_films
    from trainer.prepared import prepared_films

    refuse_without_reason(final, why)
    folder = RUNS_DIR / run
    card = exported_card(folder)
    engines = [engine] if engine else [name for name, file in FILES.items() if (folder / file).is_file()]
    candidates = [candidate_scorer(name, folder, card) for name in engines]
    train, validation = prepared_films(Run(run))
    sets = {"validation": validation}
    if final:
        said = f"gate: {', '.join(engines)} against ONNX fp32, differences only: {why}"
        sets["test"] = test_films(run, said, (train, validation))
    reference = onnx_scorer(folder / "model.onnx")
    answers = {name: in_batches(reference, films.pixels) for name, films in sets.items()}
    goldens = golden_sets(np.asarray(validation.pixels), answers["validation"], reference, card)
    for golden, file in zip(goldens, GOLDEN_FILES, strict=True):
        golden.save(folder / file)
    proofs = []
    for name, candidate in candidates:
        proof = worst_of(
            {
                kind: compare(name, films.labels, answers[kind], in_batches(candidate, films.pixels), card)
                for kind, films in sets.items()
            }
        )
        for golden, file in zip(goldens, GOLDEN_FILES, strict=True):
            proof = proof.model_copy(update={"reasons": proof.reasons + against_golden(golden, file, candidate, card)})
        write_whole(proof_path(folder, name), proof.model_dump_json(indent=2) + "\n")
        proofs.append(proof)
    how_many = " and ".join(f"{len(films.films)} {kind}" for kind, films in sets.items())
    show(
        f"{run}: engines against ONNX fp32 on {how_many} films",
        ["engine", "", "decisions flipped", "findings changed", "largest difference"],
        [proof_row(proof) for proof in proofs],
        proof_path(folder, "*"),
    )
    for proof in proofs:
        for reason in proof.reasons:
            rich.print(f"{proof.engine} refused: {reason}")
    if not any(proof.admitted for proof in proofs):
        raise GateClosed(" | ".join(f"{proof.engine}: {'; '.join(proof.reasons)}" for proof in proofs))


def proof_row(proof: GateProof) -> list[str | int | float]:
    """What the gate found of one engine, as a line of its table."""
    return [
        proof.engine,
        "admitted" if proof.admitted else "refused",
        proof.decisions_flipped,
        proof.findings_changed,
        proof.max_probability_difference,
    ]


def against_golden(golden: GoldenSet, name: str, candidate: Scorer, card: ModelCard) -> list[str]:
    """What one golden set says against an engine."""
    if not len(golden.images):
        return [f"{name} is empty: no film's answer is clear of the operating point's limits"]
    return disagreements(golden, in_batches(candidate, golden.images), card.operating_point)


def candidate_scorer(engine: str, folder: Path, card: ModelCard) -> tuple[str, Scorer]:
    """The engine's name, as findings will carry it, and the way to ask it."""
    if engine.startswith("triton:"):
        client = ModelClient(engine.removeprefix("triton:"), MODEL_NAME)
        return client.served().engine, triton_scorer(client)
    if engine not in ENGINES:
        raise MissingStep(f"{engine} is not one of {', '.join(ENGINES)} or triton:HOST:PORT")
    file = FILES[engine]
    if not (folder / file).is_file():
        raise MissingStep(f"{folder / file} is missing: python -m trainer precision --run {folder.name}")
    if file != "model.onnx":
        refuse_another_source(folder / file, card)
    if engine in REHEARSALS:
        return engine, onnx_scorer(folder / file)
    program = backend_program(PROGRAMS)
    return engine, program_scorer(program, folder, card, engine)


def compare(
    engine: str,
    labels: NDArray[np.int64],
    reference: Answers,
    candidate: Answers,
    card: ModelCard,
    limits: Limits = LIMITS,
) -> GateProof:
    """Hold how far ``candidate`` is from ``reference`` against ``limits``; ``labels`` [N], 1 for pneumonia."""
    p, q = reference[PROBABILITY][:, 0], candidate[PROBABILITY][:, 0]
    ood_p, ood_q = reference[OOD_SCORE][:, 0], candidate[OOD_SCORE][:, 0]
    point = card.operating_point
    before, after = decisions(p, ood_p, point), decisions(q, ood_q, point)
    flipped = np.array((p >= point.threshold) != (q >= point.threshold))
    changed = np.array([b != a for b, a in zip(before, after, strict=True)])
    measured = {
        "auc_difference": abs(auc(labels, p.astype(np.float64)) - auc(labels, q.astype(np.float64))),
        "decisions_flipped": float(flipped.mean()),
        "findings_changed": float(changed.mean()),
        "mean_probability_difference": float(np.abs(p - q).mean()),
        "max_probability_difference": float(np.abs(p - q).max()),
    }
    allowed = asdict(limits)
    return GateProof(
        engine=engine,
        onnx_sha256=card.onnx_sha256,
        weights_sha256=card.weights_sha256,
        films=len(labels),
        auc_difference=measured["auc_difference"],
        decisions_flipped=int(flipped.sum()),
        findings_changed=int(changed.sum()),
        mean_probability_difference=measured["mean_probability_difference"],
        max_probability_difference=measured["max_probability_difference"],
        max_ood_score_difference=float(np.abs(ood_p - ood_q).max()),
        limits=allowed,
        reasons=[
            f"{name} is {value:.4f}, at most {allowed[name]} is allowed"
            for name, value in measured.items()
            if not value <= allowed[name]  # also refuses NaN
        ],
    )


def worst_of(proofs: dict[str, GateProof]) -> GateProof:
    """One proof on several sets of films, by their names: admitted only where each of them admits."""
    each = list(proofs.values())
    counts = {name: sum(getattr(proof, name) for proof in each) for name in ADDED}
    worst = {name: max(getattr(proof, name) for proof in each) for name in WORST}
    reasons = [f"{name} films: {reason}" for name, proof in proofs.items() for reason in proof.reasons]
    return each[0].model_copy(update={**counts, **worst, "sets": tuple(proofs), "reasons": reasons})


def golden_sets(images: Films, answers: Answers, reference: Scorer, card: ModelCard) -> tuple[GoldenSet, GoldenSet]:
    """The real and the drawn golden set, with the reference's answers."""
    evenly = np.linspace(0, len(images) - 1, min(GOLDEN_FILMS, len(images))).round().astype(int)
    real = golden_of(images[evenly], {key: rows[evenly] for key, rows in answers.items()}, card.operating_point)
    drawn = phantoms(GOLDEN_PHANTOMS, card.image_size_px)
    return real, golden_of(drawn, reference(drawn), card.operating_point)
