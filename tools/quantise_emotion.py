"""Turn a training run into models/emotion.tflite (full int8) and its card models/emotion.yaml.

Prior power and ceiling, temperature and usable threshold are chosen through the int8 file on the own rows of `train`,
own people of `faces` and own crops of no face. Figures on what was kept back come into the card by
tools/emotion_figures.py, once, at the end.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
import yaml
from ai_edge_quantizer import quantizer, recipe
from numpy.typing import NDArray
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_augment import Augmenter
from emotion_card import CARD_HEAD, CHOSEN_ON, card_fields, kept_figures
from emotion_choice import (
    ENOUGH_RECALL,
    Chooser,
    accuracy_and_recall,
    best_choice,
    choices,
    choose_temperature,
    usable_threshold,
)
from emotion_data import SIDE, Grey, VoteSet, photo_crops, seven_emotion_truth
from emotion_deploy import Deployed
from emotion_examples import OWN_SEED, photo_split, split
from emotion_mean import mean_of
from emotion_negatives import negatives
from emotion_net import INPUT_OFFSET, INPUT_SCALE, OUTPUTS, EmotionNet, merged_head, parameter_count
from emotion_scenes import own_faces
from emotion_start import Shape, network_shape
from int8_ranges import BEYOND, ranges

from edge.core.probabilities import apply_prior
from edge.data import EMOTIONS
from edge.vision.emotion import EmotionClassifier
from edge.vision.model import load_beside
from edge.vision.runtime import load_network

CEILINGS = (0.2, 1.0)
"""Of the prior. 0.2 cuts neutral and happy alone; lower ones call sad faces neutral (docs/training-tried.md)."""
QUANTISE = "quantise_emotion.py"


def emotion_share(text: str) -> tuple[str, float]:
    """``disgust=0.7`` as its parts. Raises ArgumentTypeError for an unknown emotion or a share beyond 0 to 1."""
    emotion, _, share = text.partition("=")
    if emotion not in EMOTIONS or not 0.0 <= float(share or "nan") <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(EMOTIONS)}, =, and 0 to 1")
    return emotion, float(share)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ferplus/ and faces/")
    parser.add_argument(
        "--run", type=Path, nargs="+", default=[Path("runs/emotion")], help="folders of tools/train_emotion.py"
    )
    parser.add_argument(
        "--weights",
        type=float,
        nargs="+",
        help="of each run in the mean of their weights; even. Of runs far apart make the mean with emotion_mean.py "
        "--recorded, which measures its normalisation anew, and give that",
    )
    parser.add_argument("--out", type=Path, default=Path("models/emotion.tflite"))
    parser.add_argument("--representative", type=int, default=400, help="training pictures that set the int8 ranges")
    parser.add_argument("--beyond", type=float, default=BEYOND, help="share of them that may lie beyond each end")
    parser.add_argument("--note", help="a sentence about the run, for the card")
    parser.add_argument("--enough-recall", type=float, default=ENOUGH_RECALL, help="macro recall; then accuracy counts")
    parser.add_argument(
        "--ceilings", type=float, nargs="+", default=CEILINGS, help="of the prior: docs/training-tried.md"
    )
    parser.add_argument(
        "--share", type=emotion_share, nargs="*", default=[], metavar="EMOTION=SHARE", help="of FER2013's head"
    )
    parser.add_argument(
        "--mirrored",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the file asks the network about the picture and its mirror image: twice the time",
    )
    parser.add_argument("--choose-again", action="store_true", help="keep the file at --out, choose for it anew")
    parser.add_argument(
        "--chosen-by",
        type=Path,
        metavar="CARD",
        help="prior and temperature of this card, of a run without --recorded-own: what chooses was trained on",
    )
    parser.add_argument("--float", type=Path, metavar="FILE", help="write the float form of the same network there")
    return parser.parse_args()


def representative(images: Grey, count: int, seed: int) -> NDArray[np.float32]:
    """Pictures (count, 1, 48, 48, 1) as the network is fed, half of them changed as in training.

    Each has one black and one white corner, so that every one spans the whole input range: the input's scale becomes
    exactly 1/64 with zero point 0, and an int8 input is the grey level less 128.
    """
    rng = np.random.default_rng(seed)
    chosen = torch.from_numpy(images[rng.choice(len(images), count, replace=False)]).float()[:, None]
    half = count // 2
    chosen[:half] = Augmenter(seed)(chosen[:half])
    chosen[:, :, 0, 0], chosen[:, :, 0, -1] = 0.0, 255.0
    return ((chosen.numpy() - INPUT_OFFSET) * INPUT_SCALE).astype(np.float32).reshape(count, 1, SIDE, SIDE, 1)


def to_int8(net: nn.Module, pictures: NDArray[np.float32], *, beyond: float = BEYOND) -> tuple[bytes, bytes]:
    """The network as a float and as a full int8 TFLite file, input (1, 48, 48, 1)."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "float.tflite")
        litert_torch.convert(
            litert_torch.to_channel_last_io(net.eval(), args=[0]), (torch.zeros(1, SIDE, SIDE, 1),)
        ).export(path)
        found = ranges(path, recipe.static_wi8_ai8(), [{"args_0": picture} for picture in pictures], beyond=beyond)
        content = quantizer.Quantizer(path, recipe.static_wi8_ai8()).quantize(found).quantized_model
        return Path(path).read_bytes(), bytes(content)


def write(out: Path, network_bytes: bytes, fields: dict[str, Any]) -> None:
    """Write the network and the card, each by renaming."""
    card = CARD_HEAD + yaml.safe_dump(fields, sort_keys=False, width=110, default_flow_style=None)
    for path, content in ((out, network_bytes), (out.with_suffix(".yaml"), card.encode())):
        path.with_suffix(".tmp").write_bytes(content)
        path.with_suffix(".tmp").replace(path)


def choose(path: Path, fields: dict[str, Any], chooser: Chooser, args: argparse.Namespace) -> None:
    """Fill in prior power, temperature and usable threshold, through the int8 file at ``path``."""
    classifier = EmotionClassifier(path)
    if args.chosen_by is None:
        choose_prior(classifier, fields, chooser, args)
    else:
        card = yaml.safe_load(args.chosen_by.read_text(encoding="utf-8"))
        fields["prior"] |= {key: card["prior"][key] for key in ("power", "ceiling")}
        fields["temperature"] = card["temperature"]
        fields["chosen_by"] = card["sha256"]
        commands = fields["training"]["commands"]
        fields["training"]["commands"] = [c + " --chosen-by CARD" * (QUANTISE in c) for c in commands]
    fields["usable"] |= chosen_usable(classifier, chooser)
    print(f"temperature {fields['temperature']}, prior {fields['prior']}, usable {fields['usable']}")


def chosen_usable(classifier: EmotionClassifier, chooser: Chooser) -> dict[str, float]:
    """The card's ``usable``: the threshold, what it keeps of the own faces that lose most, and what it rejects."""
    sets = {"FER+": chooser.crops, "photographs": chooser.photo_crops, "scenes": chooser.scene_faces}
    faces = {name: classifier.read_crops(crops).usable for name, crops in sets.items()}
    none = classifier.read_crops(chooser.negatives).usable
    threshold = usable_threshold(list(faces.values()), none)
    kept = {name: round(float((scores >= threshold).mean()), 4) for name, scores in faces.items()}
    rejected = round(float((none < threshold).mean()), 4)
    print(f"own faces kept {kept}, own crops of no face rejected {rejected}")
    return {"threshold": threshold, "keeps": min(kept.values()), "own_rejected": rejected}


def choose_prior(
    classifier: EmotionClassifier, fields: dict[str, Any], chooser: Chooser, args: argparse.Namespace
) -> None:
    """Fill in prior power and ceiling, and temperature, by the own rows."""
    prior = fields["prior"]
    rows = classifier.logits(chooser.crops)
    found = choices(rows, np.array(prior["values"]), chooser, args.ceilings)
    on_photos = classifier.logits(chooser.photo_crops)
    for one in found:
        shifted = apply_prior(on_photos, prior=np.minimum(prior["values"], one.ceiling), power=one.power)
        photos = accuracy_and_recall(shifted, chooser.photo_truth)
        print(
            f"  prior power {one.power:.2f}, ceiling {one.ceiling:g}: own accuracy {one.accuracy:.4f}, most sure "
            f"{one.sure:.4f}, macro recall {one.recall:.4f}, least {one.least:.2f}; photographs {photos[0]:.4f}, "
            f"{photos[1]:.4f}"
        )
    best = best_choice(found, args.enough_recall)
    prior["power"], prior["ceiling"] = best.power, best.ceiling
    adjusted = apply_prior(rows, prior=np.minimum(prior["values"], prior["ceiling"]), power=prior["power"])
    fields["temperature"] = choose_temperature(adjusted, chooser.truth)


def chooser_of(args: argparse.Namespace) -> tuple[VoteSet, Chooser]:
    """The rows that were trained on, and what chooses."""
    train, own = split(args.data)
    truth, kept = seven_emotion_truth(own)
    photos, labels = photo_crops(photo_split(args.data)[1])
    crops, mine = negatives(args.data, args.run[0].parent / "negatives.npz", seed=OWN_SEED)
    return train, Chooser(own.crops[kept], truth[kept], photos, labels, crops[mine], own_faces(args.data))


def choose_again(args: argparse.Namespace) -> None:
    """Prior, temperature and threshold of the file that is there, as if it had just been made.

    Figures go, but for the comparison with the float form, which may be gone: it is kept with the prior it was made at.
    """
    content, card = args.out.read_bytes(), args.out.with_suffix(".yaml")
    fields = yaml.safe_load(card.read_text(encoding="utf-8"))
    if "chosen_by" in fields and args.chosen_by is None:
        raise SystemExit(f"{args.out}: learnt from what chooses; give --chosen-by CARD, of one that did not")
    before = fields["figures"]
    kept = {key: before[key] for key in ("commands", "date", "difference_points") if key in before}
    compared = {"prior": {key: fields["prior"].get(key, 1.0) for key in ("power", "ceiling")}, **kept}
    fields["prior"] |= {"power": 0.0, "ceiling": 1.0}
    fields["temperature"] = 1.0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / args.out.name
        write(work, content, fields)
        choose(work, fields, chooser_of(args)[1], args)
    fields["figures"] = {"int8_against_float": compared} if "difference_points" in before else {}
    fields["training"]["commands"].append(shlex.join(["python", *sys.argv]))
    fields["training"]["chosen_on"] = CHOSEN_ON
    write(args.out, content, fields)


def main() -> None:
    """Merge the heads, convert, choose, write."""
    args = arguments()
    torch.set_num_threads(1)
    if args.choose_again:
        choose_again(args)
        return
    paths = [run / "checkpoint.pt" for run in args.run]
    runs = [torch.load(path, weights_only=True, map_location="cpu") for path in paths]
    if any(run.get("equalised") for run in runs):
        raise SystemExit("--run: trained with --equalise, which the service does not do; train without it")
    words = {word for run in runs for command in run["commands"] for word in command.split()}
    if "--copies" in words:
        raise SystemExit("--run: trained with --copies, on pictures that stand in valid; train without it")
    if "--recorded-own" in words and args.chosen_by is None:
        raise SystemExit("--run: trained on what chooses (--recorded-own); give --chosen-by CARD, of one that is not")
    saved = mean_of(runs, args.weights or [1.0] * len(runs))
    train, chooser = chooser_of(args)
    net = shipped(saved["ema"], network_shape(paths[-1]), dict(args.share))
    deployed = Deployed(net, mirrored=args.mirrored)
    floating, content = to_int8(
        deployed, representative(train.crops, args.representative, saved["seed"]), beyond=args.beyond
    )
    if args.float is not None:
        args.float.write_bytes(floating)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / args.out.name
        work.write_bytes(content)
        tensors = load_network(work)
        ends = (tensors.input, tensors.output)
        fields = card_fields(args.out.name, hashlib.sha256(content).hexdigest(), ends=ends, saved=saved)
        fields["parameters"] = parameter_count(net)
        fields["mirrored"], fields["window"] = args.mirrored, list(net.window)
        fields["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        fields["prior"]["fer2013_shares"] = dict(args.share)
        if args.note:
            fields["training"]["note"] = args.note
        write(work, content, fields)
        choose(work, fields, chooser, args)
        write(work, content, fields)
        tell_nearness(work, floating, np.concatenate([chooser.crops, chooser.photo_crops]))
        fields["figures"] = kept_figures(args.out.with_suffix(".yaml"), fields)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write(args.out, content, fields)
    print(f"{args.out}: {len(content)} bytes, sha256 {fields['sha256']}")


def tell_nearness(path: Path, floating: bytes, crops: Grey) -> None:
    """Print how near the int8 file at ``path`` is to its float form on ``crops`` (N, 48, 48); no label is asked."""
    other = path.with_name("floating.tflite")
    other.write_bytes(floating)
    ours = EmotionClassifier(path)
    theirs = EmotionClassifier.of(load_beside(other, ours.card)).classify_crops(crops)
    probs = ours.classify_crops(crops)
    apart, same = np.abs(probs - theirs).sum(axis=1).mean() / 2.0, (probs.argmax(1) == theirs.argmax(1)).mean()
    print(f"int8 and float on own pictures: {apart:.5f} apart (total variation), {same:.4f} of the answers the same")


def shipped(trained: dict[str, Tensor], shape: Shape, shares: dict[str, float]) -> EmotionNet:
    """The network of ``trained`` weights with one head of eight outputs."""
    net = shape.network(outputs=OUTPUTS)
    weights = dict(trained)
    parts = [shares.get(emotion, 0.0) for emotion in EMOTIONS]
    weights["head.weight"], weights["head.bias"] = merged_head(weights["head.weight"], weights["head.bias"], parts)
    net.load_state_dict(weights)
    return net


if __name__ == "__main__":
    main()
