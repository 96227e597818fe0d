"""The Python backend's own program, run in this process: the gate judges the very code that will answer."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from google.protobuf.json_format import MessageToDict

from cxr.schemas import ModelCard
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


def load_program(program: Path) -> Any:
    """Import a backend program; of Triton's own module only the logger is called before ``execute``."""
    triton: Any = ModuleType("triton_python_backend_utils")
    triton.Logger = SimpleNamespace(log_info=lambda _: None)
    spec = importlib.util.spec_from_file_location("served_program", program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[triton.__name__] = triton
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[triton.__name__]
    return module
