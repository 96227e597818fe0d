"""The table of subgroups."""

from __future__ import annotations

from trainer.pages.markdown import table


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
