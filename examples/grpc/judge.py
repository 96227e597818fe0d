"""Judges films through Triton's `pneumonia` model: python judge.py 127.0.0.1:8051 film.jpeg film.dcm ...

Needs `tritonclient[grpc]` and nothing of PneumoServe. One JSON object a line: the file, and its finding or why it was
refused.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

DEADLINE_S = 30.0
MOST_FILES = 64  # rows of one request
WORTH_ANOTHER_TRY = {"StatusCode.UNAVAILABLE", "StatusCode.NOT_FOUND"}
TRIES, FIRST_PAUSE_S = 3, 0.5
TEXTS = ("FINDING", "NOTES", "MODEL", "REFUSAL_CODE", "REFUSAL")


def judge(client: triton.InferenceServerClient, paths: list[str]) -> list[dict[str, object]]:
    """One row per file (64 at most), in order. Raises ``InferenceServerException``, ``OSError``."""
    files = np.array([[Path(path).read_bytes()] for path in paths], object)
    file = triton.InferInput("FILE", list(files.shape), "BYTES")
    file.set_data_from_numpy(files)
    answer = asked(client, file)
    texts = {name: [text.decode() for text in answer.as_numpy(name).reshape(-1)] for name in TEXTS}
    probabilities = answer.as_numpy("PROBABILITY").reshape(-1).tolist()
    rows: list[dict[str, object]] = []
    for row, (path, probability) in enumerate(zip(paths, probabilities, strict=True)):
        finding, notes, model, code, sentence = (texts[name][row] for name in TEXTS)
        if finding:
            told = notes.split(",") if notes else []
            rows.append({"file": path, "finding": finding, "probability": probability, "notes": told, "model": model})
        else:
            rows.append({"file": path, "refused": code, "sentence": sentence})
    return rows


def asked(client: triton.InferenceServerClient, file: triton.InferInput) -> triton.InferResult:
    """One call with a deadline; a server or model that is away is asked again, after a pause that grows."""
    for attempt in range(TRIES):
        try:
            return client.infer("pneumonia", [file], client_timeout=DEADLINE_S)
        except InferenceServerException as error:
            if attempt == TRIES - 1 or error.status() not in WORTH_ANOTHER_TRY:
                raise
            time.sleep(FIRST_PAUSE_S * 2**attempt)
    raise AssertionError("the last try answers or raises")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python judge.py HOST:PORT FILE ...")
    try:
        with triton.InferenceServerClient(sys.argv[1]) as door:
            for start in range(2, len(sys.argv), MOST_FILES):
                for answered in judge(door, sys.argv[start : start + MOST_FILES]):
                    print(json.dumps(answered))
    except (InferenceServerException, OSError) as error:
        sys.exit(f"error: {error}")
