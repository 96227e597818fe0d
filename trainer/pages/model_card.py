"""``model_card.md``: what the model is for, what it was made from, how good it is, where it fails (Mitchell et
al. 2019).
"""

from __future__ import annotations

from typing import Any

from trainer.pages.cautions import WHAT_THE_SETS_SAW
from trainer.pages.groups import cause_table, external_table
from trainer.pages.markdown import interval, number, page, table
from trainer.pages.proofs import Proofs

SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "expected_calibration_error", "coverage", "answered_accuracy")


def model_card(proofs: Proofs) -> str:
    """The whole page."""
    card, data = proofs.read("card.json"), proofs.read("data.json")
    point = card["operating_point"]
    rows = [
        [name.replace("_", " "), *(interval(card["metrics"][each].get(name)) for each in card["metrics"])]
        for name in SHOWN
    ]
    about, tested = proofs.about(), test_set(proofs)
    return page(
        "# Model card: pneumonia on chest films",
        f"Written by `{proofs.written_by()}`. Not a medical device.",
        "## Intended use",
        card["intended_use"],
        "A person reads every film; the model sorts, explains (heatmap) and says when it does not know "
        "(indeterminate, refused). "
        "It must not be used to rule pneumonia out, to decide on treatment, on people unlike those whose films it was "
        "trained on, on lateral films, or to tell bacteria from viruses.",
        "## Model",
        table(
            ["", ""],
            [
                ["architecture", card["architecture"]],
                [
                    "input",
                    f"uint8, {card['image_size_px']} px, `cxr.imaging.preprocess` version {card['preprocess_version']}",
                ],
                [
                    "output",
                    f"calibrated probability; heatmap {card['heatmap_size'][0]} x {card['heatmap_size'][1]} whose "
                    "sum is "
                    "its log-odds; out-of-distribution score",
                ],
                ["threshold", number(point["threshold"])],
                ["indeterminate", f"{number(point['indeterminate_low'])} to {number(point['indeterminate_high'])}"],
                ["refused above", number(point["ood_limit"])],
                ["weights", f"`{card['weights_sha256']}`"],
                ["training films", f"`{card['training_data_sha256']}`"],
                ["made", card["created"]],
            ],
        ),
        "## Data",
        card["attribution"],
        f"Population: {about.population}.",
        data_table(data) if data else proofs.not_run("prepare"),
        f"Validation holds out one seventh of the training patients; duplicates were dropped. Test set: {tested}.",
        "## Figures",
        table(["figure", *card["metrics"]], rows),
        WHAT_THE_SETS_SAW,
        "## Subgroups",
        cause_table(proofs),
        "Age, sex and view of the training films are not read, so no figure by them can be given for the people whom "
        "the model is made for. For those of NIH ChestX-ray14, mostly adults:",
        external_table(proofs),
        "## Limits",
        bullets(
            *about.limits,
            f"The intervals are as wide as the test set is small: {tested}. Films from another hospital will give "
            "lower figures than these.",
            "Calibration holds for equal shares of both classes; where pneumonia is rarer, the probability is too "
            "high.",
            from_outside_the_lungs(proofs),
            "Which noise or blur is refused although the answer would stand is in the results (spoilt films).",
            "The heatmap shows where the evidence for this network lies, not where the disease is.",
        ),
        "## Ethics",
        bullets(
            f"Licence of the training films: {about.licence}. This project stores nothing about a patient but the film "
            "itself, for as long as its operator sets.",
            "A missed pneumonia harms a patient more than a second look costs; the operating point weighs both alike, "
            "since the model is for sorting; who deploys it must set it for the use at hand and say so.",
            "No figure here was measured on the people of any other place. Measure there before use.",
        ),
    )


def test_set(proofs: Proofs) -> str:
    """How many films it has, and whether they are the ones of published work."""
    counts = proofs.test_films()
    if not counts:
        return "not counted"
    films = counts["normal_films"] + counts["pneumonia_films"]
    return f"the official {films} films, of other patients" if proofs.test_is_official() else f"{films} films"


def from_outside_the_lungs(proofs: Proofs) -> str:
    """What the shortcut audit found of it."""
    found = proofs.read("audit.json")
    if not found:
        return "Whether it answers from outside the lungs was not looked at (shortcut audit)."
    covered = found["lungs"]["auc_covered lungs"]
    return (
        f"With the lung fields covered its AUC is {covered:.3f} (0.5 were no answer): the nearer to that of the whole "
        "film, the more of the answer can be had from outside the lungs."
    )


def bullets(*sentences: str) -> str:
    """A list."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def data_table(data: dict[str, Any]) -> str:
    """Films and patients by class."""
    sets = [name for name in ("train", "validation", "test") if name in data]
    return table(
        ["", *sets], [[name.replace("_", " "), *(data[each].get(name) for each in sets)] for name in data["train"]]
    )
