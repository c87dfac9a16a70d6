"""The worked example of docs/bring-your-own-model.md, as it stands there, and what its table says is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from edge.data import EMOTIONS
from edge.errors import ModelError
from edge.vision.emotion import EmotionClassifier
from edge.vision.runtime import load_network
from tests.small_network import write_network

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "bring-your-own-model.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every command of the page was run."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("models", "tools", "edge"):
        (folder / name).symlink_to(ROOT / name)
    commands = "".join(BLOCKS).replace(".venv/bin/python", sys.executable)
    commands = commands.replace(".venv/bin/moodcast", f"{sys.executable} -m edge.cli")
    shell = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_every_command_of_the_page_works(example: Path) -> None:
    said = (example / "said.txt").read_text()
    assert "my.yaml: ok" in said
    assert "frames/s" in said, "bench"
    readings = [
        face for line in (example / "trace.jsonl").read_text().splitlines() for face in json.loads(line)["faces"]
    ]
    assert len(readings) > 100
    for face in readings:
        assert sum(face["probs"].values()) == pytest.approx(1.0, abs=1e-4)
        assert face["usable"]


def test_probabilities_come_out_as_the_network_gave_them(example: Path) -> None:
    classifier = EmotionClassifier(example / "mine.tflite")
    crops = np.random.default_rng(1).integers(0, 256, (3, 64, 64)).astype(np.uint8)
    network = load_network(example / "mine.tflite")
    for crop, probs in zip(crops, classifier.classify_crops(crops), strict=True):
        raw = network.run(((crop.astype(np.float32) - 127.5) / 127.5)[None, :, :, None])[0]
        assert probs == pytest.approx(raw, abs=1e-3)


def test_the_page_says_what_is_said(tmp_path: Path) -> None:
    """Each message of the table, up to its first dots, comes from the mistake beside it."""
    mistakes = {
        "no such card": lambda card, model: card.unlink(),
        "sha256: expected": lambda card, model: model.write_bytes(model.read_bytes() + b"x"),
        "labels: expected": changed(labels=["neutral", *EMOTIONS[:-1]]),
        "input.shape: expected": changed(input={"shape": [1, 64, 64, 3]}),
        "output.shape: expected [1, 8]": changed(output={"shape": [1, 7]}),
        "output: expected int8": changed(output={"scale": 0.5}),
        "usable.threshold: expected": changed(usable=None),
    }
    for words, spoil in mistakes.items():
        model = write_network(tmp_path / "mine.tflite", usable="output: expected int8" not in words)
        spoil(model.with_suffix(".yaml"), model)
        with pytest.raises(ModelError) as caught:
            EmotionClassifier(model)
        assert words in str(caught.value)
        row = next(line for line in PAGE.splitlines() if line.startswith("|") and words in line)
        said = re.findall(r"`([^`]+)`", row)[-1].split(" ...")[0].split(", ...")[0]
        assert said.split("[...]")[0] in str(caught.value).replace(str(tmp_path) + "/", ""), words


def changed(**fields: object):
    def spoil(card: Path, _: Path) -> None:
        content = yaml.safe_load(card.read_text())
        for name, value in fields.items():
            content[name] = {**content[name], **value} if isinstance(value, dict) else value
        card.write_text(yaml.safe_dump(content))

    return spoil


def test_start_card_fits_its_network_at_once(tmp_path: Path) -> None:
    model = write_network(tmp_path / "small.tflite")
    program = [sys.executable, str(ROOT / "tools" / "start_card.py"), str(model)]
    words = ["--subtract", "128", "--divide", "64", "--content", "logits and usable", "--threshold", "0.4"]
    done = subprocess.run([*program, *words], capture_output=True, text=True, check=True)
    before = EmotionClassifier(model).read_crops(np.full((1, 48, 48), 200, np.uint8))
    model.with_suffix(".yaml").write_text(done.stdout)
    again = EmotionClassifier(model)
    assert again.card.usable_min == 0.4
    assert again.read_crops(np.full((1, 48, 48), 200, np.uint8)).probs == pytest.approx(before.probs)


def test_start_card_names_what_is_no_network(tmp_path: Path) -> None:
    (tmp_path / "no.tflite").write_bytes(b"no network")
    program = [sys.executable, str(ROOT / "tools" / "start_card.py"), str(tmp_path / "no.tflite")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no.tflite" in done.stderr
    assert "Traceback" not in done.stderr
