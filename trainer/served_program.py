"""The Python backend's own program, run in this process: the gate judges the very code that will answer."""

from __future__ import annotations

import json
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from cxr.schemas import ModelCard
from trainer.backend_program import load_program
from trainer.contract import Scorer
from trainer.repository import cpu_config


def program_scorer(program: Path, folder: Path, card: ModelCard, engine: str) -> Scorer:
    """Score with ``program`` (a version's model.py) as if ``folder`` were a version folder served by ``engine``."""
    config = MessageToDict(cpu_config(card, engine), preserving_proto_field_name=True)
    model = load_program(program).TritonPythonModel()
    model.initialize(
        {
            "model_config": json.dumps(config),
            "model_repository": str(folder.absolute().parent),
            "model_version": folder.absolute().name,
        }
    )
    score: Scorer = model.score
    return score
