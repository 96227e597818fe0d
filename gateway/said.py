"""How a command of ``python -m gateway`` refuses: one line on standard error, and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from cxr.errors import SettingsRefused

NAMES = "give lower-case letters, digits and . _ @ -, at most 64"


@contextmanager
def said() -> Iterator[None]:
    """Say what is wrong with the settings, the arguments or the files, without a traceback, and end with 2."""
    try:
        yield
    except SettingsRefused as refusal:
        print(f"{refusal.code}: {refusal.detail}", file=sys.stderr)
    except ValidationError as error:
        for fault in error.errors():
            wrong = NAMES if fault["type"] == "string_pattern_mismatch" else fault["msg"]
            print(f"error: {'.'.join(map(str, fault['loc']))}: {wrong}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
    else:
        return
    sys.exit(2)
