"""The tables of subgroups."""

from __future__ import annotations

from trainer.pages.cautions import REFUSED_OF_NIH
from trainer.pages.markdown import page, table
from trainer.pages.proofs import Proofs


def cause_table(proofs: Proofs) -> str:
    """Bacterial and viral pneumonias of the test films."""
    groups = proofs.read("subgroups_test.json")
    if groups is None:
        return proofs.not_run("evaluate --final")
    return group_table(groups) if groups else "No film says what caused its pneumonia."


def external_table(proofs: Proofs) -> str:
    """Films from elsewhere, by group."""
    groups = proofs.read("external.json")
    if groups is None:
        return proofs.not_run("external")
    return page(group_table(groups), REFUSED_OF_NIH if any(name.startswith("NIH") for name in groups) else "")


def group_table(groups: dict[str, dict[str, float | None]]) -> str:
    """One line a subgroup."""
    rows = []
    for name, row in groups.items():
        area = (
            f"{row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f})" if row.get("auc") is not None else "-"
        )
        rows.append(
            [name, row["films"], row["patients"], area, row.get("sensitivity"), row.get("specificity"), row["refused"]]
        )
    return table(["group", "films", "patients", "AUC", "sensitivity", "specificity", "refused"], rows)
