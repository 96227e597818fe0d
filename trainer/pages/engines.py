"""The section of ``docs/results.md`` on the engines that the gate has held against the ONNX fp32 model."""

from __future__ import annotations

from trainer.pages.markdown import command, page, table
from trainer.pages.proofs import FINAL, Proofs
from trainer.proof import GateProof
from trainer.refusals import StepRefused
from trainer.runs import RUNS_DIR


def engines_section(proofs: Proofs, card: dict) -> str:
    """One row an engine.

    Raises:
        StepRefused: a proof is of other weights than the run's card.
    """
    rows, sets = [], set[str]()
    for path in sorted((RUNS_DIR / proofs.run.name).glob("gate-*.json")):
        proof = GateProof.model_validate_json(path.read_text())
        if proof.weights_sha256 not in (None, card["weights_sha256"]):
            raise StepRefused(f"{path} is of other weights than card.json: run export and gate again, or remove it")
        sets.update(proof.sets)
        verdict = "admitted" if proof.admitted else "refused: " + "; ".join(proof.reasons)
        counts = (proof.films, proof.decisions_flipped, proof.findings_changed)
        rows.append([proof.engine, " and ".join(proof.sets), *counts, proof.mean_probability_difference, verdict])
    if not rows:
        return page("## Engines", proofs.not_run("gate"))
    return page(
        "## Engines",
        "Each held against the ONNX fp32 model on the films named; differences between engines alone, no figure of how "
        "well they judge. The gate takes the validation films, and the test films only with `--final`.",
        table(["engine", "films of", "films", "decisions flipped", "findings changed", "mean difference", ""], rows, 4),
        command(proofs.step("gate", FINAL if "test" in sets else "")),
    )
