"""What is written into the emotion network's card beside the measured numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import EMOTIONS
from emotion_net import INPUT_OFFSET, INPUT_SCALE, WHOLE
from processor import processor

from edge.vision.runtime import TensorInfo

CARD_HEAD = """# Card of the emotion network. Written by tools/quantise_emotion.py, checked by the service.
# Real values are scale * (stored value - zero_point). Probabilities are
# softmax((logits - power * log(min(prior, ceiling))) / temperature); the eighth output is the logit of `usable`.
"""

DATA = [
    {
        "name": "FER2013",
        "use": "pictures; its labels teach a head of their own, of which a share goes into the shipped one; training",
        "source": "Goodfellow et al. 2013, Challenges in Representation Learning, arXiv:1307.0414",
        "licence": "published for research; pictures are web images of their owners and are not part of this project",
    },
    {
        "name": "FER+",
        "use": "votes of ten taggers as soft labels (those for contempt, unknown and no face dropped, the rest scaled "
        "to 1; unknown and no face teach `usable`); training and figures",
        "source": "Barsoum et al. 2016, Training Deep Networks for Facial Expression Recognition, arXiv:1608.01041",
        "licence": "MIT (labels)",
    },
    {
        "name": "faces",
        "use": "three quarters of the people, low weight, training; one quarter, figures",
        "source": "photographs of Labeled Faces in the Wild (Huang et al. 2007, UMass TR 07-49) and film stills, "
        "with noisy emotion labels",
        "licence": "published for research; pictures are not part of this project",
    },
    {
        "name": "scenes",
        "use": "windows without a face, false alarms of OpenCV's Haar cascade, and faces, for `usable`; training; "
        "others (scenes_valid), figures",
        "source": "as in models/face.yaml",
        "licence": "published for research; pictures are not part of this project",
    },
]

NOT_FOR = [
    "decisions about a person: hiring, teaching, policing, insurance, credit, health",
    "workplaces and education (forbidden in the EU by Regulation 2024/1689, article 5(1)(f); the service refuses them)",
    "telling what somebody feels: it tells what a face looks like to taggers of web photographs",
    "identifying people",
]

LIMITS = [
    "few examples of disgust and fear: of the disgusted faces of FER2013 three in five are known, 3 of 32 in "
    "photographs (23 of these show one actor), where they are mostly taken for neutral; four in nine of "
    "the answers `disgust` and more than a third of the answers `fear` are wrong",
    "one neutral face in seven is called something else, mostly sad, and one sad face in five neutral, of photographs "
    "one in three (prior.power and prior.ceiling trade one for the other)",
    "contempt is not known and mostly taken for neutral",
    "a covered mouth costs 20 points, of photographs 25, covered eyes 8",
    "no set here has labels of age, gender, origin or skin tone: errors by group are unknown, balance was neither made "
    "nor measured; FER2013 are web pictures of 2013, `faces` mostly public figures photographed for the press",
    "labels are those of taggers of web photographs: what a face looks like to them, not what anybody feels",
    "trained on faces of 20 px and more, tilted by up to 20 degrees, turned little; masks taught `usable` and no "
    "emotion: such a face is read from the eyes alone (robustness: mouth_covered)",
]


TIMES = ("command", "processor", "time_ratio", "ms", "yardstick_ms")
CHOSEN_ON = (
    "8 % of train by a hash of the picture and a tenth of the training people of `faces`: prior power and ceiling and "
    "temperature, by the network of `chosen_by`, which learnt from none of them; the shipped one did. A tenth of the "
    "scenes, squares without a face and faces: usable threshold. One half of the former, by a run that learnt from the "
    "other half alone, the real clips of tests/test_clips.py and the bundled clip: whether the last run is shipped"
)


def _tensor(info: TensorInfo) -> dict[str, Any]:
    return {"shape": list(info.shape), "dtype": info.dtype, "scale": info.scale, "zero_point": info.zero_point}


def card_fields(
    file: str, sha256: str, *, ends: tuple[TensorInfo, TensorInfo], saved: dict[str, Any]
) -> dict[str, Any]:
    """The card's fields in their order; temperature 1 and prior power 0 until they are chosen."""
    normalisation = {"subtract": INPUT_OFFSET, "divide": 1.0 / INPUT_SCALE}
    return {
        "name": file.removesuffix(".tflite"),
        "file": file,
        "sha256": sha256,
        "task": "facial-emotion",
        "input": {**_tensor(ends[0]), "colour": "grey", "normalisation": normalisation},
        "output": {**_tensor(ends[1]), "content": "logits and usable"},
        "labels": list(EMOTIONS),
        "temperature": 1.0,
        "prior": {"power": 0.0, "ceiling": 1.0, "values": [round(float(value), 5) for value in saved["prior"]]},
        "usable": {"threshold": 0.0, "keeps": 0.98},
        "crop": "square of edge/core/crop.py crop_square, edge repeated, as FER2013 is cropped",
        "parameters": 0,
        "mirrored": False,
        "window": list(WHOLE),
        "date": "",
        "licence": "Apache-2.0 (the weights)",
        "data": DATA,
        "training": {
            "commands": [
                *dict.fromkeys(saved["commands"]),
                f"python tools/quantise_emotion.py --run RUN... --weights {' '.join(map(str, saved['shares']))} "
                "--float FILE",
                "python tools/emotion_figures.py --float FILE",
            ],
            "seed": saved["seed"],
            "epochs": saved["epoch"] + saved["epochs_before"],
            "removed": "training pictures that stand in valid (copies, other crops of one photograph, mirrored)",
            "chosen_on": CHOSEN_ON,
        },
        "figures": {},
        "limits": LIMITS,
        "must_not_be_used_for": NOT_FOR,
    }


def kept_figures(card: Path, fields: dict[str, Any]) -> dict[str, Any]:
    """What stays true of the card that is there: what short trainings said about grey and equalised pictures and, where
    the network in ``fields`` has the same shape, its time on other processors."""
    before = yaml.safe_load(card.read_text(encoding="utf-8")) if card.is_file() else {}
    figures, found = before.get("figures", {}), {}
    if "input" in figures.get("ablation", {}):
        found["ablation"] = {key: figures["ablation"][key] for key in ("measured_on", "input")}
    if "processor" in figures.get("time", {}) and all(
        before.get(key, default) == fields[key]
        for key, default in (("parameters", 0), ("mirrored", False), ("window", list(WHOLE)))
    ):
        rows = [*figures.get("time_elsewhere", []), figures["time"]]
        found["time_elsewhere"] = [{key: row[key] for key in TIMES} for row in rows if row["processor"] != processor()]
    return found
