"""The face detector's card: what stands in it beside measured numbers, and figures of `moodcast evaluate` put into it.

moodcast evaluate ../shared/data/scenes_valid --yunet ../shared/peers/yunet_n_640.onnx --json > valid.json
python tools/detector_card.py models/face.yaml --figures scenes_valid=valid.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from edge.core.decode import GEOMETRY
from edge.vision.own import FILL, TASK
from edge.vision.runtime import HeadsNetwork, TensorInfo

CARD_HEAD = """# Card of the face detector. Written by tools/quantise_detector.py, checked by the service.
# Real values are scale * (stored value - zero_point); the score is 1 / (1 + exp(logit_shift - logit)).
"""
SUBTRACT, DIVIDE = 128.0, 64.0

DATA = [
    {
        "name": "scenes",
        "use": "nine tenths: training; one tenth, by a seeded hash of the name: checkpoints, threshold",
        "source": "street and indoor scenes with people with and without masks; portraits of FFHQ (Karras et al. 2019) "
        "by way of MaskedFace-Net (Cabani et al. 2020); WIDER FACE (Yang et al. 2016); test pictures of vision "
        "libraries; 205 pictures without a face",
        "licence": "published for research; pictures are not part of this project",
    },
    {
        "name": "faces",
        "use": "three quarters of the people, pasted into scenes; training",
        "source": "photographs of Labeled Faces in the Wild (Huang et al. 2007, UMass TR 07-49) and film stills",
        "licence": "published for research; pictures are not part of this project",
    },
    {
        "name": "YuNet",
        "use": "teacher: boxes, landmarks and scores of all pictures",
        "source": "Wu, Peng and Yu 2023, YuNet: A Tiny Millisecond-level Face Detector",
        "licence": "Apache-2.0",
    },
]
LIMITS = [
    "labels are YuNet's, not a person's: what YuNet misses was learnt as no face, and some false boxes are real faces",
    "on the own split the misses are mostly profiles, faces looking down, hats and faces half hidden by others",
    "false boxes there are mostly letters and signs in a ring, hands and ears",
    "faces under 32 px in a picture of 640 px are found less often, and more so the smaller they are",
    "few faces turned or tilted by more than 25 degrees in training; the figures by tilt count very few of them",
    "most pictures of several people in training show masks",
    "balance of age, gender, origin and skin colour was neither made nor measured",
]
FIGURE_COMMANDS = [
    "python tools/quantise_detector.py (own_split: the tenth of scenes that chose the score, so a little too good)",
    "moodcast evaluate ../shared/data/scenes_valid --yunet FILE --json (scenes_valid; ms: on a busy machine)",
    "python tools/detector_clips.py (clips)",
    "python tools/quantise_detector.py with the four folds (cross_validation)",
]
NOT_FOR = [
    "identifying people, or counting them where a wrong count harms somebody",
    "safety: that nobody is found does not mean that nobody is there",
]


def card_text(fields: dict[str, Any]) -> str:
    """The card as it is written."""
    return CARD_HEAD + yaml.safe_dump(fields, sort_keys=False, width=110, default_flow_style=None)


def _tensor(info: TensorInfo) -> dict[str, Any]:
    return {"shape": list(info.shape), "dtype": info.dtype, "scale": info.scale, "zero_point": info.zero_point}


def _outputs(network: HeadsNetwork) -> dict[str, Any]:
    """The outputs in the file's order, named by what they hold."""
    outputs = {}
    for info in network.outputs:
        stride = network.input.shape[1] // info.shape[1]
        content = "geometry" if info.shape[3] == GEOMETRY else "logit"
        outputs[f"{content}_{stride}"] = {**_tensor(info), "stride": stride}
    return outputs


def card_fields(file: str, sha256: str, network: HeadsNetwork, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The card's fields in their order, from the checkpoints whose weights were averaged; the score is not shifted."""
    commands = list(dict.fromkeys(command for run in runs for command in run["commands"]))
    return {
        "name": file.removesuffix(".tflite"),
        "file": file,
        "sha256": sha256,
        "task": TASK,
        "input": {
            **_tensor(network.input),
            "colour": "BGR",
            "normalisation": {"subtract": SUBTRACT, "divide": DIVIDE},
            "letterbox": f"upper left, level {FILL} beside the picture",
        },
        "outputs": _outputs(network),
        "geometry": "left, top, right, bottom, then right eye, left eye, nose, right and left mouth corner as x, y; "
        "from the middle of the cell, in strides",
        "score": {"logit_shift": 0.0, "false_max": 0.0, "meaning": "0.7: false_max false boxes a picture, own split"},
        "parameters": 0,
        "date": "",
        "licence": "Apache-2.0 (the weights)",
        "data": DATA,
        "training": {
            "commands": [
                "python tools/detector_labels.py --out runs/detector/extra_labels.csv",
                *commands,
                "python tools/quantise_detector.py --extra-labels runs/detector/extra_labels.csv --run RUN...",
            ],
            "seeds": [run["seed"] for run in runs],
            "samples_of_each_run": [run["samples"] for run in runs],
            "last_minutes": [round(run["seconds"] / 60, 1) for run in runs],
            "sample_px": runs[0]["side"],
        },
        "figures": {
            "commands": FIGURE_COMMANDS,
        },
        "limits": LIMITS,
        "must_not_be_used_for": NOT_FOR,
    }


def main() -> None:
    """Put reports into a card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("card", type=Path)
    parser.add_argument("--figures", nargs="+", required=True, metavar="NAME=FILE", help="reports, JSON lines")
    args = parser.parse_args()
    fields = yaml.safe_load(args.card.read_text(encoding="utf-8"))
    for named in args.figures:
        name, _, path = named.partition("=")
        reports = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line]
        fields["figures"][name] = reports[0] if len(reports) == 1 else reports
    fields["figures"]["commands"] = FIGURE_COMMANDS
    fields["limits"] = LIMITS
    args.card.write_text(card_text(fields), encoding="utf-8")


if __name__ == "__main__":
    main()
