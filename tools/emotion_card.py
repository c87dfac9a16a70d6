"""What is written into the emotion network's card beside the measured numbers."""

from __future__ import annotations

from typing import Any

from emotion_data import EMOTIONS
from emotion_net import INPUT_OFFSET, INPUT_SCALE

from edge.vision.runtime import TensorInfo

CARD_HEAD = """# Card of the emotion network. Written by tools/quantise_emotion.py, checked by the service.
# Real values are scale * (stored value - zero_point). Probabilities are
# softmax((logits - power * log(prior)) / temperature).
"""

DATA = [
    {
        "name": "FER2013",
        "use": "pictures and a fifth of each soft label; training",
        "source": "Goodfellow et al. 2013, Challenges in Representation Learning, arXiv:1307.0414",
        "licence": "published for research; pictures are web images of their owners and are not part of this project",
    },
    {
        "name": "FER+",
        "use": "votes of ten taggers as soft labels; training and figures",
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
]

NOT_FOR = [
    "decisions about a person: hiring, teaching, policing, insurance, credit, health",
    "workplaces and education (forbidden in the EU by Regulation 2024/1689, article 5(1)(f); the service refuses them)",
    "telling what somebody feels: it tells what a face looks like to taggers of web photographs",
    "identifying people",
]

LIMITS = [
    "few examples of disgust and fear, whose recall is low; contempt is not known",
    "labels are those of taggers of web photographs; balance of age, gender, origin, skin colour not made nor measured",
    "trained on faces of 24 px and more, tilted by up to 18 degrees; masks were not trained",
]


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
        "output": {**_tensor(ends[1]), "content": "logits"},
        "labels": list(EMOTIONS),
        "temperature": 1.0,
        "prior": {"power": 0.0, "values": [round(float(value), 5) for value in saved["prior"]]},
        "crop": "square of edge/core/crop.py crop_square, edge repeated, as FER2013 is cropped",
        "parameters": 0,
        "date": "",
        "licence": "Apache-2.0 (the weights)",
        "data": DATA,
        "training": {
            "commands": [
                f"python tools/train_emotion.py --data ../shared/data --run runs/emotion --seed {saved['seed']}"
                f" --epochs {saved['epochs']}",
                "python tools/quantise_emotion.py --data ../shared/data --run runs/emotion --measure",
            ],
            "seed": saved["seed"],
            "epochs": saved["epoch"],
            "removed": "training pictures that stand in valid (copies, other crops of one photograph, mirrored)",
            "chosen_on": "8 % of train, by a hash of the picture: temperature, prior power",
        },
        "figures": {
            "commands": [
                "moodcast evaluate ../shared/data/ferplus --json (int8, ferplus_valid)",
                "moodcast evaluate ../shared/data/faces --identities held-out --json (int8, faces_held_out)",
                "python tools/quantise_emotion.py --data ../shared/data --run runs/emotion --measure (all)",
            ],
        },
        "limits": LIMITS,
        "must_not_be_used_for": NOT_FOR,
    }
