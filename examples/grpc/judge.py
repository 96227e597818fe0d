"""Judges films through Triton's `pneumonia` model: python judge.py 127.0.0.1:8051 film.jpeg film.dcm ...

Needs `tritonclient[grpc]` and nothing of PneumoServe. One JSON object a line: the file, and its finding or why it was
refused.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tritonclient.grpc as triton

DEADLINE_S = 30.0


def judge(address: str, paths: list[str]) -> list[dict[str, object]]:
    """One row per file, in order. Raises ``tritonclient.utils.InferenceServerException``."""
    files = np.array([[Path(path).read_bytes()] for path in paths], object)
    file = triton.InferInput("FILE", list(files.shape), "BYTES")
    file.set_data_from_numpy(files)
    with triton.InferenceServerClient(address) as client:
        answer = client.infer("pneumonia", [file], client_timeout=DEADLINE_S)
    names = ("FINDING", "PROBABILITY", "MODEL", "REFUSAL_CODE", "REFUSAL")
    columns = {name: answer.as_numpy(name).reshape(-1).tolist() for name in names}
    rows = []
    for row, path in enumerate(paths):
        finding, model, code, sentence = (columns[name][row].decode() for name in ("FINDING", "MODEL", *names[3:]))
        judged = {"file": path, "finding": finding, "probability": columns["PROBABILITY"][row], "model": model}
        rows.append(judged if finding else {"file": path, "refused": code, "sentence": sentence})
    return rows


if __name__ == "__main__":
    for answered in judge(sys.argv[1], sys.argv[2:]):
        print(json.dumps(answered))
