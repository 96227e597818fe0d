"""``privacy_and_fairness.md``: what is known of whom, what is kept, and for whom the model works how well."""

from __future__ import annotations

from trainer.pages.groups import cause_table, external_table
from trainer.pages.markdown import page, table
from trainer.pages.proofs import Proofs


def fairness(proofs: Proofs) -> str:
    """The whole page."""
    causes, data = proofs.read("subgroups_test.json"), proofs.read("data.json")
    gap = ""
    values = [row["sensitivity"] for row in (causes or {}).values() if row["sensitivity"] is not None]
    if len(values) > 1:
        gap = f"Largest gap in sensitivity between causes: {max(values) - min(values):.3f}."
    return page(
        "# Privacy and fairness",
        f"Written by `{proofs.written_by()}`.",
        "## What the training data says about a patient",
        "What the trainer reads: the film, its class, what the file or films.csv calls the patient, and for pneumonias "
        "bacterial or viral where it says so. No age, sex, origin or date. The weights are a network of a few million "
        f"numbers; no film is shown in these pages. Films: {proofs.about().source}, {proofs.about().population}; "
        f"licence: {proofs.about().licence}.",
        table(
            ["", "films", "patients"],
            [
                [f"{split}, {name}", data[split][f"{name}_films"], data[split][f"{name}_patients"]]
                for split in ("train", "validation")
                for name in ("normal", "pneumonia")
            ],
        )
        if data
        else proofs.not_run("prepare"),
        "## Memorisation",
        "A network can give away whether a film was in its training set. The gap between training and validation "
        "figures is the "
        "usual sign; averaging, label smoothing and few epochs keep it small. It was not measured by an attack: "
        "treat the weights as derived from these films, not as anonymous by proof.",
        "## For whom the model works",
        "Bacterial and viral pneumonia (test films, against all normals):",
        cause_table(proofs),
        gap,
        "The NIH subset, mostly adults, by view, age and sex:",
        external_table(proofs),
        "Groups of fewer than 50 films say little; read the intervals. Sex and age of the people whose films it was "
        "trained on cannot be examined: the trainer does not read them. That is a limit of this model, not a finding "
        "of fairness.",
        "## Refusals",
        "Where adults' films are at hand, the refusal score is fitted on them too, so that being unlike the training "
        "hospital is not by itself a reason to be refused. The share refused in each group is in the tables above; for "
        "NIH it is that of films which the score mostly knows.",
    )
