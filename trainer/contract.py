"""The tensor contract between the exported graph, every engine and Triton: names, types, shapes and batch sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

IMAGE = "IMAGE"
PROBABILITY = "PROBABILITY"
HEATMAP = "HEATMAP"
OOD_SCORE = "OOD_SCORE"
OUTPUTS = (PROBABILITY, HEATMAP, OOD_SCORE)

MODEL_NAME = "pneumonia_classifier"
MAX_BATCH_SIZE = 64

Films = NDArray[np.uint8]
"""[N,1,S,S] uint8, air dark: what ``cxr.imaging.preprocess`` gives, stacked."""

Answers = Mapping[str, NDArray[np.float32]]
"""PROBABILITY [N,1], HEATMAP [N,h,w] and OOD_SCORE [N,1] by name, fp32."""

Scorer = Callable[[Films], Answers]
"""Whatever scores films: an engine in this process or a model behind Triton."""
