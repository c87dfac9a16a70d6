"""Turn a training run into models/emotion.tflite (full int8) and its card models/emotion.yaml.

Temperature and prior power are chosen on the run's own split of `train`, through the int8 file. With --measure the
figures on `valid` and on the people of `faces` that were kept back go into the card; do that once, at the end.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
import yaml
from ai_edge_quantizer import quantizer, recipe
from numpy.typing import NDArray
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_augment import Augmenter
from emotion_card import CARD_HEAD, card_fields
from emotion_data import EMOTIONS, SIDE, Grey, VoteSet, seven_emotion_truth
from emotion_net import INPUT_OFFSET, INPUT_SCALE, parameter_count
from train_emotion import logits_of, network, split

from edge.core.crop import crop_square
from edge.core.probabilities import apply_prior, softmax
from edge.data import Face, Floats, Image
from edge.measure.evaluate import evaluate
from edge.vision.emotion import EmotionClassifier, crop_grey
from edge.vision.model import Card
from edge.vision.runtime import load_network

ACCURACY_COST = 0.005
"""The prior is taken off as far as that costs less than this accuracy on the own split (a macro recall is worth it)."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ferplus/ and faces/")
    parser.add_argument("--run", type=Path, default=Path("runs/emotion"), help="folder of tools/train_emotion.py")
    parser.add_argument("--out", type=Path, default=Path("models/emotion.tflite"))
    parser.add_argument("--representative", type=int, default=1000, help="training pictures that set the int8 ranges")
    parser.add_argument("--note", help="a sentence about the run, for the card")
    parser.add_argument("--measure", action="store_true", help="measure on valid and write the figures into the card")
    return parser.parse_args()


def representative(images: Grey, count: int, seed: int) -> NDArray[np.float32]:
    """Pictures (count, 1, 48, 48, 1) as the network is fed, half of them changed as in training.

    Each has one black and one white corner, so that every one spans the whole input range: the input's scale becomes
    exactly 1/64 with zero point 0, and an int8 input is the grey level less 128.
    """
    rng = np.random.default_rng(seed)
    chosen = torch.from_numpy(images[rng.choice(len(images), count, replace=False)]).float()[:, None]
    half = count // 2
    chosen[:half] = Augmenter(torch.Generator().manual_seed(seed))(chosen[:half])
    chosen[:, :, 0, 0], chosen[:, :, 0, -1] = 0.0, 255.0
    return ((chosen.numpy() - INPUT_OFFSET) * INPUT_SCALE).astype(np.float32).reshape(count, 1, SIDE, SIDE, 1)


def to_int8(net: nn.Module, pictures: NDArray[np.float32]) -> bytes:
    """The network as a full int8 TFLite file, input (1, 48, 48, 1)."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "float.tflite")
        litert_torch.convert(
            litert_torch.to_channel_last_io(net.eval(), args=[0]), (torch.zeros(1, SIDE, SIDE, 1),)
        ).export(path)
        work = quantizer.Quantizer(path, recipe.static_wi8_ai8())
        ranges = work.calibrate({"serving_default": [{"args_0": picture} for picture in pictures]})
        return bytes(work.quantize(ranges).quantized_model)


def choose_power(logits: Floats, truth: NDArray[np.int64], prior: Floats) -> float:
    """The largest prior power that costs less than ACCURACY_COST."""
    rows = []
    for power in np.arange(0.0, 1.01, 0.05):
        hit = apply_prior(logits, prior=prior, power=power).argmax(axis=1) == truth
        recall = np.mean([hit[truth == k].mean() for k in range(len(EMOTIONS))])
        rows.append((float(power), float(hit.mean()), float(recall)))
        print(f"  prior power {power:.2f}: own accuracy {rows[-1][1]:.4f}, macro recall {rows[-1][2]:.4f}")
    best = max(accuracy for _, accuracy, _ in rows)
    return round(max(power for power, accuracy, _ in rows if accuracy >= best - ACCURACY_COST), 2)


def choose_temperature(logits: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature with the smallest cross-entropy against the top vote (Guo et al. 2017)."""
    rows = np.arange(len(truth))
    grid = np.arange(0.3, 2.51, 0.01)
    loss = [-np.log(softmax(logits, temperature=t)[rows, truth] + 1e-12).mean() for t in grid]
    return round(float(grid[int(np.argmin(loss))]), 2)


class FloatClassifier:
    """The float network with the card's temperature and prior, for `edge.measure.evaluate`."""

    def __init__(self, net: nn.Module, card: Card) -> None:
        self._net, self._card = net, card

    def classify(self, image_bgr: Image, faces: Sequence[Face], /) -> Floats:
        """As EmotionClassifier.classify."""
        return self.classify_crops(np.stack([crop_grey(image_bgr, crop_square(face), SIDE) for face in faces]))

    def classify_crops(self, crops: Grey, /) -> Floats:
        """As EmotionClassifier.classify_crops."""
        logits = apply_prior(logits_of(self._net, crops), prior=self._card.prior, power=self._card.prior_power)
        return softmax(logits, temperature=self._card.temperature)


def figures(data: Path, classifier: EmotionClassifier | FloatClassifier) -> dict[str, Any]:
    """What `moodcast evaluate` says about the sets that nothing was chosen on."""
    votes = evaluate(data / "ferplus", classifier, split="valid").report
    photos = evaluate(data / "faces", classifier, identities="held-out").report
    names = ("n", "ferplus_all", "ferplus_majority", "ferplus_standard", "fer2013", "ece", "macro_recall", "accuracy")
    return {
        where: {name: report[name] for name in names if name in report}
        | {"recall": {emotion: rates["recall"] for emotion, rates in report["per_class"].items()}}
        for where, report in (("ferplus_valid", votes), ("faces_held_out", photos))
    }


def write(out: Path, network_bytes: bytes, fields: dict[str, Any]) -> None:
    """Write the network and the card, each by renaming."""
    card = CARD_HEAD + yaml.safe_dump(fields, sort_keys=False, width=110, default_flow_style=None)
    for path, content in ((out, network_bytes), (out.with_suffix(".yaml"), card.encode())):
        path.with_suffix(".tmp").write_bytes(content)
        path.with_suffix(".tmp").replace(path)


def choose(path: Path, fields: dict[str, Any], own: VoteSet) -> None:
    """Fill in prior power and temperature, through the int8 file at ``path``, whose card has neither yet."""
    truth, kept = seven_emotion_truth(own)
    logits, truth = EmotionClassifier(path).logits(own.crops[kept]), truth[kept]
    prior = fields["prior"]
    prior["power"] = choose_power(logits, truth, np.array(prior["values"]))
    adjusted = apply_prior(logits, prior=prior["values"], power=prior["power"])
    fields["temperature"] = choose_temperature(adjusted, truth)
    print(f"temperature {fields['temperature']}, prior power {prior['power']}")


def main() -> None:
    """Convert, choose, measure, write."""
    args = arguments()
    torch.set_num_threads(1)
    saved = torch.load(args.run / "checkpoint.pt", weights_only=True)
    net = network()
    net.load_state_dict(saved["ema"])
    train, own = split(args.data, seed=saved["seed"])
    content = to_int8(net, representative(train.crops, args.representative, saved["seed"]))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / args.out.name
        work.write_bytes(content)
        tensors = load_network(work)
        ends = (tensors.input, tensors.output)
        fields = card_fields(args.out.name, hashlib.sha256(content).hexdigest(), ends=ends, saved=saved)
        fields["parameters"] = parameter_count(net)
        fields["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        if args.note:
            fields["training"]["note"] = args.note
        write(work, content, fields)
        choose(work, fields, own)
        write(work, content, fields)
        if args.measure:
            classifier = EmotionClassifier(work)
            fields["figures"]["int8"] = figures(args.data, classifier)
            fields["figures"]["float"] = figures(args.data, FloatClassifier(net, classifier.card))
            print(yaml.safe_dump(fields["figures"], sort_keys=False, default_flow_style=None))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write(args.out, content, fields)
    print(f"{args.out}: {len(content)} bytes, sha256 {fields['sha256']}")


if __name__ == "__main__":
    main()
