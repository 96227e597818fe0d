"""Figures that others published for the same 624 test films; sources beside them."""

from __future__ import annotations

# (who, AUC, accuracy, note). Kermany et al.: Cell 172 (2018) 1122. MedMNIST v2: Yang et al., Sci Data 10 (2023) 41,
# table of PneumoniaMNIST. Doerrich et al.: "Rethinking model prototyping through the MedMNIST+ dataset collection"
# (2024).
PUBLISHED: tuple[tuple[str, float, float, str], ...] = (
    ("Kermany et al. 2018, Inception-v3", 0.968, 0.928, "sensitivity 0.932, specificity 0.901"),
    ("MedMNIST v2, ResNet-18, 28 px", 0.944, 0.854, ""),
    ("MedMNIST v2, ResNet-18, 224 px", 0.956, 0.864, "28 px source images"),
    ("MedMNIST v2, ResNet-50, 28 px", 0.948, 0.854, ""),
    ("MedMNIST v2, ResNet-50, 224 px", 0.962, 0.884, "28 px source images"),
    ("Google AutoML Vision (MedMNIST v2)", 0.991, 0.946, "best believable accuracy"),
    ("Doerrich et al., DINO ViT-B/16, linear head", 0.9892, 0.9156, "3 seeds, deviation 0.0008 and 0.0027"),
    ("Doerrich et al., DenseNet-121, 128 px", 0.9875, 0.898, "3 seeds, deviation of AUC 0.0023"),
)

# What this project asks of itself: (figure, at least, aim); for calibration error the smaller is the better.
TARGETS: tuple[tuple[str, float, float], ...] = (
    ("auc", 0.985, 0.991),
    ("accuracy", 0.928, 0.946),
    ("sensitivity", 0.932, 0.932),
    ("specificity", 0.901, 0.901),
    ("expected_calibration_error", 0.05, 0.03),
    ("answered_accuracy", 0.96, 0.98),
    ("coverage", 0.80, 0.85),
)
