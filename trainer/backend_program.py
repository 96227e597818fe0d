"""A Python backend's program as a module, without Triton. It needs nothing that the program does not need."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


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
