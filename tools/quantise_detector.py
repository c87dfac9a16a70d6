"""Turn training runs into models/face.tflite (full int8) and its card models/face.yaml.

Weights of several runs from one start are averaged ("model soup", Wortsman et al. 2022). Where each run kept another
fold of the pictures without a face out, those are judged by the networks that never saw them: a cross-validation.
The score is shifted so that 0.7, the service's default, is where the int8 file gives 0.08 false boxes a picture on the
own split of `scenes`. Figures of `moodcast evaluate` come into the card by tools/detector_card.py.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import litert_torch
import numpy as np
import torch
import yaml
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
from numpy.typing import NDArray
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from detector_card import card_fields, card_text
from detector_compose import Composer
from detector_data import FOLDS, Scene, fold_of, fold_split, own_split, read_faces, read_scenes
from detector_net import INPUT_OFFSET, INPUT_SCALE, INPUT_SIZE, DetectorNet, parameter_count
from detector_own import SCORE_MIN, is_portrait, measure_own, summary, truth_of

from edge.measure.box_sets import Judged, best_recall, curve, judge, scaled
from edge.measure.detection import MIN_FACE_PX
from edge.vision.own import FILL, OwnFinder, letterbox
from edge.vision.runtime import HeadsNetwork, load_heads

FALSE_MAX = 0.08
DEFAULT_SCORE = 0.7
"""Of `faces.score_min`."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with scenes/ and faces/")
    parser.add_argument("--extra-labels", type=Path, help="as for tools/train_detector.py")
    parser.add_argument(
        "--run", type=Path, nargs="+", default=[Path("runs/detector")], help="folders of tools/train_detector.py"
    )
    parser.add_argument("--out", type=Path, default=Path("models/face.tflite"))
    parser.add_argument(
        "--size", type=int, nargs=2, default=INPUT_SIZE, metavar=("WIDTH", "HEIGHT"), help="px of the input"
    )
    parser.add_argument("--representative", type=int, default=160, help="pictures that set the int8 ranges")
    parser.add_argument("--false-max", type=float, default=FALSE_MAX, help="false boxes a picture at a score of 0.7")
    parser.add_argument("--note", help="a sentence about the run, for the card")
    return parser.parse_args()


def representative(scenes: list[Scene], faces: list[Scene], args: argparse.Namespace, seed: int) -> NDArray[np.uint8]:
    """Pictures (N, height, width, 3): half composed as in training, half whole scenes as the service sees them.

    Each has one black and one white pixel, so that every one spans the whole input range: the input's scale becomes
    exactly 1/64 with zero point 0, and an int8 input is the level less 128.
    """
    rng = np.random.default_rng(seed)
    count, (width, height) = args.representative, args.size
    pictures = np.full((count, height, width, 3), FILL, np.uint8)
    composer = Composer(scenes, faces, side=width, seed=seed)
    chosen = rng.choice(len(scenes), count, replace=False)
    for n, picture in enumerate(pictures):
        if n % 2:
            picture[:] = composer.sample().image[:height]
        else:
            letterbox(scenes[int(chosen[n])].levels[0], picture)
    pictures[:, 0, 0], pictures[:, 0, 1] = 0, 255
    return pictures


def to_int8(net: nn.Module, pictures: NDArray[np.uint8]) -> bytes:
    """The network as a full int8 TFLite file, input (1, height, width, 3), six outputs."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "float.tflite")
        channels_last = litert_torch.to_channel_last_io(net, args=[0], outputs=list(range(6))).eval()
        litert_torch.convert(channels_last, (torch.zeros(1, *pictures.shape[1:]),)).export(path)
        work = quantizer.Quantizer(path, recipe.static_wi8_ai8())
        fed = [{"args_0": ((p[None].astype(np.float32) - INPUT_OFFSET) * INPUT_SCALE)} for p in pictures]
        ranges = work.calibrate({"serving_default": fed}, num_threads=2)
        ranges |= output_ranges(path, fed)
        return bytes(work.quantize(ranges).quantized_model)


def output_ranges(path: str, fed: list[dict[str, NDArray[np.float32]]]) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Smallest and largest value of each output over all pictures, as the quantiser takes them.

    It averages the ranges of pictures, which is right within the network, but a picture without a small face has no
    logit above 0 at stride 8: the average lay there, and small faces could not score above one half.
    """
    network = Interpreter(model_path=path, num_threads=2)
    network.allocate_tensors()
    index = network.get_input_details()[0]["index"]
    outputs = network.get_output_details()
    low, high = [math.inf] * len(outputs), [-math.inf] * len(outputs)
    for values in fed:
        network.set_tensor(index, values["args_0"])
        network.invoke()
        for n, output in enumerate(outputs):
            found = network.get_tensor(output["index"])
            low[n], high[n] = min(low[n], float(found.min())), max(high[n], float(found.max()))
    shape = (1, 1, 1, 1)
    return {
        output["name"]: {"min": np.full(shape, low[n], np.float32), "max": np.full(shape, high[n], np.float32)}
        for n, output in enumerate(outputs)
    }


def averaged(runs: list[dict[str, Any]]) -> DetectorNet:
    """The network whose weights are the means of the runs'."""
    net = DetectorNet()
    weights = {name: torch.stack([run["ema"][name].float() for run in runs]).mean(0) for name in net.state_dict()}
    net.load_state_dict(weights)
    return net.eval()


class Int8:
    """A network as a full int8 file and its card, whose score is not shifted yet."""

    def __init__(self, net: nn.Module, pictures: NDArray[np.uint8], file: str, runs: list[dict[str, Any]]) -> None:
        self.content = to_int8(net, pictures)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file
            path.write_bytes(self.content)
            tensors: HeadsNetwork = load_heads(path)
            self.fields = card_fields(file, hashlib.sha256(self.content).hexdigest(), tensors, runs)
            self.fields["parameters"] = parameter_count(net)
            write(path, self.content, self.fields)
            self._finder = OwnFinder(path, min_face_px=MIN_FACE_PX, score_min=SCORE_MIN)

    def judged(self, scenes: list[Scene]) -> list[Judged]:
        """Its boxes against the teacher's, with scores that are not shifted."""
        return [judge(self._finder.find(scaled(scene.levels[0])), truth_of(scene)) for scene in scenes]


def operating_score(judged: list[Judged], false_max: float) -> float:
    """The score with at most ``false_max`` false boxes a picture."""
    return min(max(best_recall(curve(judged), false_max)[1], SCORE_MIN), 1 - SCORE_MIN)


@dataclass
class Folds:
    """Pictures without a face judged by the networks that were not trained on them."""

    judged: list[Judged]
    false: list[int]
    """At each network's own operating score."""


def cross_validated(
    runs: list[dict[str, Any]],
    scenes: list[Scene],
    own: list[Scene],
    pictures: NDArray[np.uint8],
    args: argparse.Namespace,
) -> Folds:
    """Quantises each run's network and lets it judge its fold; ``own`` helps to choose its operating score."""
    folds = Folds([], [])
    for run in runs:
        network = Int8(averaged([run]), pictures, args.out.name, [run])
        kept_out = network.judged(fold_of(scenes, run["fold"]))
        score = operating_score(network.judged(own) + kept_out, args.false_max)
        folds.judged += kept_out
        folds.false.append(sum(int((j.is_false & (j.score >= score)).sum()) for j in kept_out))
    return folds


def write(out: Path, network: bytes, fields: dict[str, Any]) -> None:
    """Write the network and the card, each by renaming."""
    for path, content in ((out, network), (out.with_suffix(".yaml"), card_text(fields).encode())):
        path.with_suffix(".tmp").write_bytes(content)
        path.with_suffix(".tmp").replace(path)


def main() -> None:
    """Convert, choose, measure, write."""
    args = arguments()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    runs = [torch.load(run / "checkpoint.pt", weights_only=True) for run in args.run]
    in_folds = sorted(run.get("fold") or 0 for run in runs) == list(range(1, FOLDS + 1))
    scenes = read_scenes(args.data / "scenes", args.extra_labels)
    train, own = fold_split(scenes, 0) if in_folds else own_split(scenes)
    own = [scene for scene in own if not is_portrait(scene)]  # one large face each: hardly anything to mistake
    faces = read_faces(args.data / "faces")[:: max(1, 6000 // 300)]
    train = train[:: max(1, len(train) // 600)]
    for picture in (*train, *own, *faces, *(fold_of(scenes, 0) if in_folds else ())):
        picture.load()
    pictures = representative(train, faces, args, runs[0]["seed"])
    net = averaged(runs)
    network = Int8(net, pictures, args.out.name, runs)
    judged = network.judged(own)
    choosing, fields = judged, network.fields
    fields["figures"]["own_split"] = {"pictures": "the tenth of scenes that chose, without portraits"}
    if in_folds:
        folds = cross_validated(runs, scenes, own, pictures, args)
        fields["figures"]["cross_validation"] = {
            "pictures": "those without a face, each judged in int8 by the network that was not trained on it",
            "faceless_pictures": len(folds.judged),
            "faceless_false": sum(folds.false),
            "by_fold": folds.false,
        }
        choosing = judged * FOLDS + folds.judged  # in the proportion in which each network's score was chosen
    score = operating_score(choosing, args.false_max)
    wanted = math.log(DEFAULT_SCORE / (1 - DEFAULT_SCORE))
    fields["score"] |= {
        "logit_shift": round(math.log(score / (1 - score)) - wanted, 4),
        "false_max": args.false_max,
    }
    fields["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    if args.note:
        fields["training"]["note"] = args.note
    fields["figures"]["own_split"] |= {
        "int8": summary(judged, score=score),
        "float": measure_own(net, own, size=tuple(args.size)),
    }
    print(yaml.safe_dump(fields["figures"], sort_keys=False, default_flow_style=None))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write(args.out, network.content, fields)
    print(
        f"{args.out}: {len(network.content)} bytes, sha256 {fields['sha256']}, shift {fields['score']['logit_shift']}"
    )


if __name__ == "__main__":
    main()
