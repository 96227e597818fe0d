"""Triton Python backend: whole files in, findings out, for gRPC clients that do not decode films themselves.

    FILE bytes [N,1] (JPEG, PNG or DICOM)  ->  FINDING, NOTES, REFUSAL_CODE, REFUSAL, MODEL strings [N,1],
    PROBABILITY and OOD_SCORE fp32 [N,1], HEATMAP fp32 [N,h,w]

A film is judged or refused: of FINDING and REFUSAL_CODE one is empty, and a refused film's numbers are NaN. Files are
decoded in boxes (processes bounded in time and memory), so a hostile file costs its own answer and nothing else;
scoring and operating point are those of the classifier that this very server serves, through the one ``Predictor``.

Read from the config's ``parameters``: ``classifier``, the model that scores; ``decode_processes``, boxes per instance;
``triton_url``, where this server listens, unless ``CXR_TRITON_URL`` says so. ``cxr`` and ``worker`` are imported from
the folder that the server was started in.
"""

import json
import os

import numpy as np
import triton_python_backend_utils as pb_utils

from cxr.errors import ContractBroken, Unavailable
from cxr.predictor import Predictor
from cxr.schemas import Prediction
from cxr.triton import ModelClient
from worker.boxes import BoxedDecoder


class TritonPythonModel:
    """One instance has boxes of its own; Triton calls it from one thread."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        parameters = {key: entry["string_value"] for key, entry in config["parameters"].items()}
        self.boxes = BoxedDecoder(int(parameters["decode_processes"]))
        self.boxes.start()
        url = os.environ.get("CXR_TRITON_URL", parameters["triton_url"])
        self.predictor = Predictor(ModelClient(url, parameters["classifier"]), self.boxes)

    def execute(self, requests):
        """Answer every request, in order; the files of all of them are decoded and scored together."""
        files = [[] if request.is_cancelled() else files_of(request) for request in requests]
        try:
            answers = iter(self.judged([content for part in files for content in part]))
        except Unavailable as error:
            return [refused(str(error), pb_utils.TritonError.UNAVAILABLE) for _ in requests]
        except ContractBroken as error:
            return [refused(str(error), pb_utils.TritonError.INTERNAL) for _ in requests]
        return [
            respond([next(answers) for _ in part]) if part else refused("cancelled", pb_utils.TritonError.CANCELLED)
            for part in files
        ]

    def judged(self, files):
        return self.predictor.predict(files) if files else []

    def finalize(self):
        self.boxes.close()


def files_of(request):
    """The bytes of each file of a request."""
    return pb_utils.get_input_tensor_by_name(request, "FILE").as_numpy().reshape(-1).tolist()


def respond(answers):
    """One request's answers as its response; a refused film's numbers are NaN."""
    judged = [isinstance(answer, Prediction) for answer in answers]
    both = list(zip(answers, judged, strict=True))
    heatmaps = [np.array(answer.heatmap, np.float32) for answer, one in both if one]
    nothing = np.full_like(heatmaps[0], np.nan) if heatmaps else np.full((1, 1), np.nan, np.float32)
    left = iter(heatmaps)
    texts = {
        "FINDING": [answer.finding.value if one else "" for answer, one in both],
        "NOTES": [",".join(note.code for note in answer.notes) if one else "" for answer, one in both],
        "REFUSAL_CODE": ["" if one else answer.code for answer, one in both],
        "REFUSAL": ["" if one else answer.message for answer, one in both],
        "MODEL": [named(answer.model) for answer in answers],
    }
    numbers = {
        "PROBABILITY": [[answer.probability if one else np.nan] for answer, one in both],
        "OOD_SCORE": [[np.nan if answer.ood_score is None else answer.ood_score] for answer in answers],
        "HEATMAP": [next(left) if one else nothing for one in judged],
    }
    tensors = [pb_utils.Tensor(name, np.array(values, np.float32)) for name, values in numbers.items()]
    tensors += [
        pb_utils.Tensor(name, np.array([[t.encode()] for t in values], object)) for name, values in texts.items()
    ]
    return pb_utils.InferenceResponse(tensors)


def named(model):
    """``name/version/engine``; empty for a file that no model saw."""
    return f"{model.name}/{model.version}/{model.engine}" if model else ""


def refused(sentence, code):
    return pb_utils.InferenceResponse([], pb_utils.TritonError(sentence, code))
