"""The sections of ``results.md`` on robustness, shortcuts, refusal, films from elsewhere, and what was tried."""

from __future__ import annotations

from trainer.pages.groups import external_table
from trainer.pages.markdown import command, page, table
from trainer.pages.proofs import Proofs
from trainer.refusal import ADULTS


def corruption_section(proofs: Proofs) -> str:
    """One row a corruption and strength."""
    rows = proofs.read("corruptions.json")
    names = ("auc", "accuracy", "sensitivity", "specificity", "refused")
    body = (
        table(
            ["corruption", "strength", *names],
            [[row["corruption"], row["strength"], *(row[name] for name in names)] for row in rows],
        )
        if rows
        else proofs.not_run("corrupt")
    )
    return page("## Spoilt films (validation)", body, command(proofs.step("corrupt")))


def audit_section(proofs: Proofs) -> str:
    """Shortcuts, moves, lungs."""
    found = proofs.read("audit.json")
    if not found:
        return page("## Shortcut audit", proofs.not_run("audit"))
    sets = list(next(iter(found["shortcuts"].values())))
    shortcuts = [[name, *(row[each] for each in sets)] for name, row in found["shortcuts"].items()]
    moves = [
        [name, row["auc"], row["median_change"], row["normals_up"], row["pneumonias_up"], row["decisions_changed"]]
        for name, row in found["moves"].items()
    ]
    lungs, width = found["lungs"], found.get("width")
    return page(
        "## Shortcut audit",
        "How much of the answer can be had without anatomy: gradient-boosted trees on numbers of the recording "
        "alone, trained on "
        "training films, AUC on the validation films as they are and shifted (`swapped`: every film has the power "
        "spectrum and "
        "histogram of a film of the other class, so a model that goes by the recording falls below 0.5):",
        table(["numbers", *sets], shortcuts),
        f"How wide the original film was, known for {width['known']:.0%} of the validation films, tells the class with "
        f"AUC {width['auc']:.3f}: in a square film the lungs of a wide one are narrow. Below, `reframed` films are cut "
        "to the width of one of the other class."
        if width
        else "",
        f"On the third of each class whose recording, by those trees, is most like the other class's "
        f"({found['contrary']['films']} validation films, unchanged) this model's AUC is "
        f"{found['contrary']['auc']:.3f}.",
        "How far this model's answer moves when only the recording is changed (log-odds; validation films):",
        table(["shift", "AUC", "median change", "normals, mean", "pneumonias, mean", "decisions changed"], moves),
        f"Lungs: the average normal film's lung fields cover {lungs['area']:.0%} of the film and hold "
        f"{lungs['evidence_inside']:.0%} of the heatmap's evidence for pneumonia. With the lung fields covered the "
        "AUC is "
        f"{lungs['auc_covered lungs']:.3f}, with everything else covered {lungs['auc_covered all but lungs']:.3f} "
        "(neither kind of film was ever seen in training). Where the AUC with covered lungs stays near that of the "
        "whole film, the answer can be had from outside the lungs (heart border, mediastinum, diaphragm, build): the "
        "heatmap "
        "then says what this network used, not where the pneumonia is.",
        "Films under their heatmaps, with the average lung fields outlined, are drawn to the run's `heatmaps.png`; "
        "films "
        "of patients do not go into git.",
        command(proofs.step("audit")),
    )


def refusal_section(proofs: Proofs) -> str:
    """Refused by class of image."""
    found = proofs.read("refusal.json")
    if not found:
        return page("## Refusal of what is not a frontal chest film", proofs.not_run("refuse"))
    names = ("images", "refused", "auroc", "lowest", "median", "highest")
    rows = [[name, *(row.get(each) for each in names)] for name, row in found["rows"].items()]
    fitted = (
        "The score is fitted on chest films only (training films and half of the NIH patients); no image of another "
        "kind is used in the fit. The limit is set at 1 % of the validation films and of a second quarter of NIH "
        "patients; the last quarter of NIH is the row below. AUROC is against validation and adults' films in equal "
        "numbers."
        if ADULTS in found["rows"]
        else "The score is fitted on the training films alone; no image of another kind is used in the fit. The limit "
        "is set at 1 % of the validation films. AUROC is against these."
    )
    inverted = " One of the DICOM films (`Fake_MONOHR1.dcm`) has its grey levels inverted."
    absent = found.get("absent", [])
    return page(
        "## Refusal of what is not a frontal chest film",
        fitted + (inverted if "DICOM chest films" in found["rows"] else ""),
        table(["images of", *names], rows),
        f"Not at hand, so not measured: {'; '.join(absent)}." if absent else "",
        forms_table(found["choice"], found["served"]) if found["choice"] else "",
        command(proofs.step("refuse")),
    )


def forms_table(choice: dict, served: dict) -> str:
    """Other forms of the score, judged on some kinds of image and shown on the others."""
    rows = []
    for row in choice["rows"]:
        marks = [
            mark
            for mark, true in (
                ("served", all(row[key] == served[key] for key in ("taps", "components"))),
                ("best of the choice", row["chosen"]),
            )
            if true
        ]
        rows.append([row["form"], row["chosen_on"], row["held_out"], ", ".join(marks)])
    return page(
        f"Forms of the score: lowest AUROC over {' and '.join(choice['classes'])}, and over the classes held out of "
        "that choice. The served form was the best of the choice on an earlier network of this architecture.",
        table(["form", "choice", "held out", ""], rows, digits=4),
    )


def external_section(proofs: Proofs) -> str:
    """Films from elsewhere."""
    return page(
        "## Films from elsewhere",
        f"The training films: {proofs.about().population}. Where these films are of other people, this table says how "
        "far the model is from fit for use on them. NIH's patients are mostly adults, and its labels were mined from "
        "reports; AP films are taken in bed and are sicker. COVID radiography ties class to source.",
        external_table(proofs),
        command(proofs.step("external")),
    )


def tried_section(proofs: Proofs) -> str:
    """Ablation and comparison."""
    ablation, comparison = proofs.read("ablation.json"), proofs.read("comparison.json")
    parts = ["## What each augmentation does"]
    if ablation:
        shifts = list(ablation["rows"][0]["auc"])
        rows = [[row["left"], *(row["auc"][shift] for shift in shifts), row["score"]] for row in ablation["rows"]]
        parts += [ablation["protocol"], table(["augmentation", *shifts, "score"], rows, digits=4)]
    parts += [
        command(proofs.step("ablate", proof="ablation.json")) if ablation else proofs.not_run("ablate"),
        "## Architectures on equal terms",
    ]
    if comparison:
        names = ("parameters_m", "images_per_s", "as_is", "everything", "swapped")
        rows = [
            [row["architecture"], "yes" if row["pretrained"] else "no", *(row[name] for name in names)]
            for row in comparison["rows"]
        ]
        head = [
            "network",
            "starting weights",
            "parameters, M",
            "OpenVINO bf16, images/s",
            *names[2:],
        ]
        parts += [
            comparison["protocol"],
            table(head, rows),
            proofs.picture("comparison.png", "accuracy against throughput"),
        ]
    parts.append(command(proofs.step("compare", proof="comparison.json")) if comparison else proofs.not_run("compare"))
    return page(*parts)
