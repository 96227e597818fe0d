"""``results.md``: figures, published figures beside them, seeds, calibration, robustness, shortcuts, refusal."""

from __future__ import annotations

import statistics

from trainer.data.kermany import OFFICIAL
from trainer.pages.cautions import WHAT_THE_SETS_SAW
from trainer.pages.engines import engines_section
from trainer.pages.groups import cause_table
from trainer.pages.markdown import command, interval, number, page, table
from trainer.pages.measured import audit_section, corruption_section, external_section, refusal_section, tried_section
from trainer.pages.proofs import FINAL, Proofs
from trainer.pages.published import PUBLISHED, TARGETS
from trainer.seeds import AVERAGE

SETS = ("validation", "test")
FIGURES = (
    *("auc", "average_precision", "accuracy", "sensitivity", "specificity", "precision", "f1"),
    *("brier", "expected_calibration_error", "coverage", "answered_accuracy"),
)


def results(proofs: Proofs) -> str:
    """The whole page."""
    card = proofs.read("card.json")
    own = proofs.read_each("seeds_test.json")[proofs.run.name] or []
    return page(
        "# Results",
        "Written by `" + proofs.written_by() + f"` from the proofs in `runs/{proofs.run.name}/`; do not edit by hand. "
        f"Model: {card['architecture']}, weights `{card['weights_sha256'][:12]}`, trained on "
        f"`{card['training_data_sha256'][:12]}`. "
        "Intervals are 95 % bootstrap intervals over patients (1000 resamples; 300 in tables of groups), exact ones "
        "(Clopper-Pearson) where a rate is 0 or 1.",
        "## The served model",
        figures(card),
        command(proofs.step("calibrate", networks(proofs)), proofs.step("evaluate", compared(own), FINAL)),
        *(proofs.picture(f"curves_{name}.png", f"{name}: ROC, PR, reliability, confusion, coverage") for name in SETS),
        "In the last picture the curve leaves films to a person in order of nearness to the threshold, on both sides "
        "alike; the dot is the served band, whose sides differ, so it may lie off the curve."
        if proofs.pictures
        else "",
        *((targets(proofs, card), published(proofs, card)) if proofs.test_is_official() else ()),
        "## Each seed, and what averaging buys",
        seeds(proofs, card),
        "## Bacterial and viral pneumonia (test)",
        cause_table(proofs),
        engines_section(proofs, card),
        corruption_section(proofs),
        audit_section(proofs),
        refusal_section(proofs),
        external_section(proofs),
        tried_section(proofs),
    )


def figures(card: dict) -> str:
    """Every figure on validation and test."""
    sets = [name for name in SETS if name in card["metrics"]]
    names = FIGURES
    rows = [[name.replace("_", " "), *(interval(card["metrics"][each].get(name)) for each in sets)] for name in names]
    point = card["operating_point"]
    return page(
        table(["figure", *sets], rows),
        f"Operating point: pneumonia from {number(point['threshold'])} on; indeterminate from "
        f"{number(point['indeterminate_low'])} to {number(point['indeterminate_high'])}; refused above an OOD score of "
        f"{number(point['ood_limit'])}.",
        WHAT_THE_SETS_SAW,
    )


def targets(proofs: Proofs, card: dict) -> str:
    """What was asked, what is reached, by the served model and by the mean of the seeds."""
    rows, seeds_rows = [], candidates(proofs)
    for name, least, aim in TARGETS:
        value = card["metrics"].get("test", {}).get(name, {}).get("value")
        if value is None:
            continue
        mean = statistics.mean(row[name] for row in seeds_rows) if seeds_rows else None
        lower_is_better = name == "expected_calibration_error"
        short = (value - aim) if lower_is_better else (aim - value)
        said = "aim reached" if short <= 0 else f"short of the aim by {short:.3f}"
        short_of_least = (value - least) if lower_is_better else (least - value)
        said = said if short_of_least <= 0 else f"short of the least by {short_of_least:.3f}"
        rows.append([name.replace("_", " "), least, aim, value, mean, said])
    return (
        page("Against what was asked:", table(["figure", "at least", "aim", "served", "mean of seeds", ""], rows))
        if rows
        else ""
    )


def published(proofs: Proofs, card: dict) -> str:
    """The published table with this model's rows below it."""
    rows: list[list[object]] = [list(row) for row in PUBLISHED]
    test = card["metrics"].get("test")
    if test:
        note = f"sensitivity {test['sensitivity']['value']:.3f}, specificity {test['specificity']['value']:.3f}"
        rows.append(["**this model, served**", test["auc"]["value"], test["accuracy"]["value"], note])
    each = candidates(proofs)
    if len(each) > 1:
        spread = ", ".join(
            f"deviation of {name} {statistics.stdev(row[name] for row in each):.4f}" for name in ("auc", "accuracy")
        )
        means = [statistics.mean(row[name] for row in each) for name in ("auc", "accuracy")]
        rows.append([f"**this model, mean of {len(each)} seeds**", *means, spread])
    films = sum(OFFICIAL["test"].values())
    return page(
        "## Beside published work",
        table([f"official test, {films} films", "AUC", "accuracy", "note"], rows, digits=4),
    )


def seeds(proofs: Proofs, card: dict) -> str:
    """Each network by itself and the average; with what the average costs."""
    each, together = (
        candidates(proofs),
        [row for row in proofs.read("seeds_test.json") or [] if row["name"] == AVERAGE],
    )
    if not each:
        return proofs.not_run("evaluate --final")
    names = (
        "auc",
        "accuracy",
        "sensitivity",
        "specificity",
        "expected_calibration_error",
        "coverage",
        "answered_accuracy",
    )
    rows = [[row["name"], *(row[name] for name in names)] for row in each]
    if len(each) > 1:
        rows.append(["mean", *(statistics.mean(row[name] for row in each) for name in names)])
        rows.append(["deviation", *(statistics.stdev(row[name] for row in each) for name in names)])
    rows += [[f"{AVERAGE} (costs {len(each)} times the work)", *(row[name] for name in names)] for row in together]
    if "test" in card["metrics"]:
        rows.append(
            [f"served: {card['architecture']}", *(card["metrics"]["test"].get(name, {}).get("value") for name in names)]
        )
    head = ["", *(name.replace("_", " ").replace("expected calibration error", "ECE") for name in names)]
    made = command(proofs.step("evaluate", compared(each), FINAL, proof="seeds_test.json"))
    return page(table(head, rows, digits=4), made, shifted(proofs), throughput(proofs))


def shifted(proofs: Proofs) -> str:
    """AUC of each network on the shifted validation films, on which all choices are made."""
    found = {
        f"{run}, {name}": aucs
        for run, content in proofs.read_each("calibration.json").items()
        for name, aucs in (content or {}).get("shifted_auc", {}).items()
    }
    if not found:
        return ""
    shifts = list(dict.fromkeys(shift for aucs in found.values() for shift in aucs))
    rows = [[name, *(aucs.get(shift) for shift in shifts)] for name, aucs in found.items()]
    return page("AUC on the shifted validation, where all choices are made:", table(["", *shifts], rows, digits=4))


def candidates(proofs: Proofs) -> list[dict]:
    """The rows of ``seeds_test.json`` that could be served: a network each, or as many as answer together."""
    return [row for row in proofs.read("seeds_test.json") or [] if row["name"] != AVERAGE]


def compared(rows: list[dict]) -> str:
    """The words of ``evaluate`` that name these candidates, where they are of several runs."""
    names = [row["name"] for row in rows if "/" in row["name"]]
    return f"--candidates {','.join(names)}" if names else ""


def networks(proofs: Proofs) -> str:
    """The words of ``calibrate`` that name the served networks, where they are of several runs."""
    names = [name for name in (proofs.read("calibration.json") or {}).get("shifted_auc", {}) if "/" in name]
    return f"--networks {','.join(names)}" if names else ""


def throughput(proofs: Proofs) -> str:
    """Speed of the graph beside EfficientNet-Lite0 at 224 px, where it was measured."""
    speed = proofs.read("throughput.json")
    if not speed:
        return proofs.not_run("speed")
    rows = [[name, value] for name, value in speed["images_per_s"].items()]
    return page(
        f"OpenVINO {speed['precision']}, batch {speed['batch']}, {speed['threads']} CPU threads, in one process, one "
        "after the other:",
        table(["graph", "images/s"], rows, digits=0),
        command(proofs.step("speed")),
    )
