"""``docs/model_card.md``: what the model is for, what it was made from, how good it is, where it fails (Mitchell et
al. 2019).
"""

from __future__ import annotations

from trainer.pages.groups import group_table
from trainer.pages.markdown import interval, number, page, table
from trainer.pages.proofs import Proofs

SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "expected_calibration_error", "coverage", "answered_accuracy")


def model_card(proofs: Proofs) -> str:
    """The whole page."""
    card, data = proofs.read("card.json"), proofs.read("data.json")
    point = card["operating_point"]
    rows = [
        [name.replace("_", " "), *(interval(card["metrics"][each][name]) for each in card["metrics"])] for name in SHOWN
    ]
    causes, external = proofs.read("subgroups_test.json"), proofs.read("external.json")
    return page(
        "# Model card: pneumonia on chest films of small children",
        f"Written by `{proofs.step('report')}`. Not a medical device.",
        "## Intended use",
        card["intended_use"],
        "A person reads every film; the model sorts, explains (heatmap) and says when it does not know "
        "(indeterminate, refused). "
        "It must not be used to rule pneumonia out, to decide on treatment, on adults, on lateral films, or to tell "
        "bacteria from "
        "viruses.",
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
        data_table(data) if data else proofs.not_run("prepare"),
        "Validation holds out one seventh of the training patients; duplicates were dropped. The test set is the "
        "official one, "
        "624 films, of other patients.",
        "## Figures",
        table(["figure", *card["metrics"]], rows),
        "## Subgroups",
        group_table(causes) if causes else proofs.not_run("evaluate --final"),
        "Age, sex and view are not known for the Kermany films, so no figure by them can be given for the children "
        "the model is "
        "made for. For adults (NIH), outside the intended use:",
        group_table(external) if external else proofs.not_run("external"),
        "## Limits",
        "- One hospital (Guangzhou), children of 1 to 5 years, films sorted by quality before they were published; "
        "labels by two "
        "physicians, the test set checked by a third (Kermany et al. 2018).\n"
        "- Normals and pneumonias were recorded differently there; the training scrambles recordings to break that "
        "tie, and the "
        "shortcut audit in the results says how far it succeeded.\n"
        "- The intervals are wide: 624 films. Films from another hospital will give lower figures than these.\n"
        "- Calibration holds for equal shares of both classes; where pneumonia is rarer, the probability is too high.\n"
        "- It answers partly from outside the lungs (shortcut audit in the results: AUC with the lung fields "
        "covered), and "
        "strong noise or blur is refused although the answer would often stand (spoilt films in the results).\n"
        "- The heatmap shows where the evidence for this network lies, not where the disease is.",
        "## Ethics",
        "- The films were published without names (CC BY 4.0); this project stores nothing about a patient but the "
        "film itself, "
        "for as long as its operator sets.\n"
        "- A missed pneumonia harms a child more than a second look costs; the operating point weighs both alike, "
        "since the "
        "model is for sorting; who deploys it must set it for the use at hand and say so.\n"
        "- No figure here was measured on the people of any other place. Measure there before use.",
    )


def data_table(data: dict[str, dict[str, int]]) -> str:
    """Films and patients by class."""
    names = list(data["train"])
    return table(
        ["", "train", "validation"],
        [[name.replace("_", " "), data["train"][name], data["validation"].get(name)] for name in names],
    )
