"""`moodcast explain`: heat where the answer really comes from, and the picture of it."""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.demo import CLIP
from edge.commands import explain as command
from edge.data import EMOTIONS
from edge.errors import InputError
from edge.measure.explain import Heat, occlusion, rise
from edge.measure.explain_plot import overlay, plot_explained
from edge.measure.recording import frames_of
from tests.small_network import write_network

HAPPY = EMOTIONS.index("happy")
FACE = np.full((48, 48), 60, np.uint8)
FACE[34:42, 16:32] = 230
"""A bright mouth in a dark face."""


def mouth_answers(crops: np.ndarray) -> np.ndarray:
    """Happy by the level of the place of the mouth alone."""
    p = crops[:, 34:42, 16:32].mean(axis=(1, 2)) / 255.0
    probs = np.zeros((len(crops), 7))
    probs[:, HAPPY], probs[:, -1] = p, 1.0 - p
    return probs


@pytest.mark.parametrize("method", ["rise", "occlusion"])
def test_heat_lies_where_the_answer_comes_from(method: str) -> None:
    heat = (
        rise(mouth_answers, FACE, HAPPY, masks=1000, seed=1)
        if method == "rise"
        else occlusion(mouth_answers, FACE, HAPPY)
    )
    x, y = heat.peak_xy
    assert 16 / 48 <= x <= 32 / 48
    assert 34 / 48 <= y <= 42 / 48
    mouth = np.zeros((48, 48), bool)
    mouth[34:42, 16:32] = True
    assert heat.map[mouth].mean() > 5 * abs(heat.map[:24].mean())
    neutral = rise(mouth_answers, FACE, 6, masks=1000, seed=1)
    assert neutral.map[mouth].mean() < 0, "a bright mouth speaks against it"


def test_what_does_not_matter_has_no_heat() -> None:
    def same(crops: np.ndarray) -> np.ndarray:
        return np.full((len(crops), 7), 1 / 7)

    assert np.abs(rise(same, FACE, 0, masks=100, seed=1).map).max() == pytest.approx(0.0, abs=1e-12)
    assert np.abs(occlusion(same, FACE, 0).map).max() == pytest.approx(0.0, abs=1e-12)


def test_rise_is_seeded() -> None:
    first, again, other = (rise(mouth_answers, FACE, HAPPY, masks=50, seed=seed).map for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    with pytest.raises(ValueError, match="expected at least 2"):
        rise(mouth_answers, FACE, HAPPY, masks=1, seed=1)


@pytest.mark.parametrize("side", [48, 64, 25])
def test_other_sizes(side: int) -> None:
    face = np.random.default_rng(1).integers(0, 256, (side, side)).astype(np.uint8)

    def corner(crops: np.ndarray) -> np.ndarray:
        return np.tile(crops[:, :1, 0] / 255.0, (1, 7))

    assert rise(corner, face, 0, masks=20, seed=1).map.shape == (side, side)
    assert occlusion(corner, face, 0).map.shape == (side, side)


def test_red_speaks_for_and_blue_against() -> None:
    map_ = np.zeros((48, 48))
    map_[:20], map_[28:] = 0.5, -0.5
    shown = overlay(np.full((48, 48), 128, np.uint8), Heat(map_, HAPPY)).astype(int)
    assert (shown[40, 100, 2] - shown[40, 100, 0]) > 50
    assert (shown[-40, 100, 0] - shown[-40, 100, 2]) > 50
    image = plot_explained(FACE, Heat(map_, HAPPY), np.full(7, 1 / 7), title="x" * 200, notes=("a",))
    assert image.dtype == np.uint8
    assert (image[:, -20:] == 255).all(), "a long title is fitted"


# --- the command ---


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of the bundled clip, whose people do not exist."""
    path = tmp_path_factory.mktemp("clip") / "somebody.png"
    cv2.imwrite(str(path), next(itertools.islice(frames_of(CLIP), 75, None)).image)
    return path


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


@pytest.mark.parametrize("method", ["rise", "occlusion"])
def test_command_on_the_shipped_network(
    method: str, somebody: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    assert run(somebody, "--out", out, "--method", method, "--masks", "300", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["probs"]) == set(EMOTIONS)
    assert sum(report["probs"].values()) == pytest.approx(1.0, abs=1e-4)
    assert report["explained"] == report["emotion"] == max(report["probs"], key=report["probs"].get)
    assert len(report["face"]["box_xywh_px"]) == 4
    assert report["picture"] == str(out)
    assert cv2.imread(str(out)) is not None


def test_command_says_the_same_as_analyze(somebody: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(somebody, "--out", tmp_path / "o.png", "--masks", "2", "--emotion", "sad", "--face", "1") == 0
    out = capsys.readouterr().out
    assert f"{somebody}: " in out
    assert "surprise" in out
    assert "written" in out


def test_a_face_cut_out_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_network(tmp_path / "small.tflite")
    cv2.imwrite(str(tmp_path / "face.png"), cv2.resize(FACE, (96, 96), interpolation=cv2.INTER_NEAREST))
    words = (tmp_path / "face.png", "--crop", "--model", model, "--out", tmp_path / "o.png")
    assert run(*words, "--json", "--emotion", "happy") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["face"] is None
    assert report["usable"] is False, "a dark picture, to this network"
    assert report["peak_xy"][1] > 0.6, "the mouth"
    assert run(*words) == 0
    assert "not readable" in capsys.readouterr().out


def test_where_it_is_written_without_out(
    somebody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(somebody, "--masks", "2") == 0
    assert (tmp_path / "somebody-explained.png").is_file()


def test_what_cannot_be_explained_is_refused_by_name(somebody: Path, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.zeros((200, 200, 3), np.uint8))
    for words, message in (
        ((blank,), r"blank\.png: no face found; if the whole picture is a face, give --crop"),
        ((somebody, "--face", "7"), "--face 7: the picture has 1"),
        ((somebody, "--face", "0"), "--face 0: the picture has 1"),
        ((somebody, "--out", "a.pdf"), r"a\.pdf: name the picture with one of"),
        ((somebody, "--out", somebody), "is the picture itself"),
        ((tmp_path / "gone.png",), "cannot be read"),
        ((somebody, "--out", tmp_path / "no" / "a.png", "--masks", "2"), "cannot be written"),
    ):
        with pytest.raises(InputError, match=message):
            run(*words)
    with pytest.raises(SystemExit):
        run(somebody, "--masks", "1")
