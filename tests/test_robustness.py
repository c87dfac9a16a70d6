"""Corruptions, selective accuracy, two networks in one run, the usable score on scenes, plots in a folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.crop import crop_square
from edge.data import EMOTIONS, Face, Image, Readings
from edge.errors import InputError, ModelError
from edge.measure import corruptions, metrics
from edge.measure.box_sets import HEADER
from edge.measure.compare import compare
from edge.measure.corruptions import CORRUPTIONS, corrupted
from edge.measure.evaluate import judge, probabilities
from edge.measure.labelled import main_truth, read_labelled, resized
from edge.measure.robustness import robustness
from edge.measure.usable import UsableSettings, background_faces, evaluate_usable, usable_of, usable_sheet
from edge.vision.emotion import EmotionClassifier
from edge.vision.model import load_beside
from tests.small_network import write_network
from tests.test_evaluate import LevelClassifier, run, votes, write_photos, write_votes

FACE = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (48, 48)).astype(np.uint8), (0, 0), 2.0) * 2
RNG = np.random.default_rng


def named(name: str) -> int:
    return [corruption.name for corruption in CORRUPTIONS].index(name)


# --- corruptions ---


@pytest.mark.parametrize("number", range(len(CORRUPTIONS)), ids=[corruption.name for corruption in CORRUPTIONS])
@pytest.mark.parametrize("side", [48, 64, 25])
def test_each_is_pure_and_seeded_and_keeps_shape_and_type(number: int, side: int) -> None:
    crops = resized(np.stack([FACE, 255 - FACE]), side)
    before = crops.copy()
    first, again = (corrupted(crops, number, seed=5) for _ in range(2))
    assert (first.shape, first.dtype) == (crops.shape, np.uint8)
    assert np.array_equal(first, again)
    assert np.array_equal(crops, before), "the input is not written to"
    assert not np.array_equal(first, crops)
    alone = corrupted(crops[:1], number, seed=5)
    assert np.array_equal(alone[0], first[0]), "each face has its own chance"


def test_names_are_unique_and_said_with_their_strength() -> None:
    assert len({corruption.name for corruption in CORRUPTIONS}) == len(CORRUPTIONS)
    for corruption in CORRUPTIONS:
        assert corruption.what


def test_low_light_by_hand() -> None:
    grey = np.full((48, 48), 255, np.uint8)
    dark = corruptions.low_light(grey // 2, RNG(0), gamma=2.5, gain=0.25, photons_white=0.0)
    assert (dark == round(255 * 0.25 * (127 / 255) ** 2.5)).all()
    noisy = corruptions.low_light(grey, RNG(0), gamma=1.0, gain=0.25, photons_white=500.0) / 255.0
    assert noisy.mean() == pytest.approx(0.25, abs=0.002)
    assert noisy.std() == pytest.approx(np.sqrt(0.25 / 500), rel=0.1), "Poisson: variance is the mean, in photons"


def test_covers_lie_where_eyes_and_mouth_are() -> None:
    crops = np.full((1, 48, 48), 128, np.uint8)
    eyes = corrupted(crops, named("eyes_covered"), seed=1)[0] != 128
    mouth = corrupted(crops, named("mouth_covered"), seed=1)[0] != 128
    assert eyes[round(0.381 * 48), 24]
    assert not eyes[round(0.743 * 48)].any()
    assert mouth[round(0.743 * 48), 24]
    assert not mouth[round(0.381 * 48)].any()


@given(st.integers(0, 255), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_a_flat_picture_only_gets_light_noise_and_covers(level: int, seed: int) -> None:
    flat = np.full((1, 48, 48), level, np.uint8)
    for name in ("24_px", "blur", "20_deg"):
        assert (corrupted(flat, named(name), seed=seed) == level).all(), name


# --- what they cost ---


def test_robustness_says_what_is_lost(tmp_path: Path) -> None:
    """A classifier by level is lost in the dark and does not mind a blur of flat faces."""
    write_votes(tmp_path, [("neutral", votes(neutral=10), "neutral"), ("surprise", votes(surprise=10), "surprise")])
    data = read_labelled(tmp_path)
    clean = judge(data, probabilities(LevelClassifier(), data.crops))
    table = robustness(data, LevelClassifier(), clean)
    assert list(table) == [corruption.name for corruption in CORRUPTIONS]
    assert table["blur"]["cost_points"] == 0.0
    assert (table["low_light"]["accuracy"], table["low_light"]["cost_points"]) == (0.0, 100.0)
    assert table == robustness(data, LevelClassifier(), clean)
    assert table["low_light"]["kept"] == 1.0, "it does not say what is usable"


def test_robustness_says_what_is_no_longer_usable(tmp_path: Path) -> None:
    write_votes(tmp_path, [("neutral", votes(neutral=10), ""), ("neutral", votes(not_face=10), "")])
    data = read_labelled(tmp_path)

    class Levels(Bright):
        def classify_crops(self, crops: np.ndarray) -> np.ndarray:
            return self.read_crops(crops).probs

    table = robustness(data, Levels(), judge(data, np.full((2, 7), 1 / 7)), usable_min=60 / 255)
    assert table["blur"]["kept"] == 1.0
    assert table["low_light"]["kept"] == 0.0


# --- selective accuracy ---


def test_risk_coverage_by_hand() -> None:
    curve = metrics.risk_coverage(np.array([0.5, 0.9, 0.7, 0.9]), np.array([False, True, False, True]))
    assert curve[:, 0].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve[:, 1] == pytest.approx([1.0, 1.0, 2 / 3, 0.5])
    assert metrics.accuracy_at(curve, 0.5) == 1.0
    assert metrics.accuracy_at(curve, 0.51) == pytest.approx(2 / 3), "at least so many are answered"
    assert metrics.accuracy_at(metrics.risk_coverage(np.zeros(0), np.zeros(0, bool)), 0.8) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_all_answered_is_the_accuracy(answers: list[tuple[float, bool]]) -> None:
    correct = np.array([right for _, right in answers])
    curve = metrics.risk_coverage(np.array([c for c, _ in answers]), correct)
    assert metrics.accuracy_at(curve, 1.0) == pytest.approx(correct.mean())


def test_the_report_has_it_over_the_rows_of_ferplus_all(tmp_path: Path) -> None:
    write_votes(tmp_path, [("happy", votes(happiness=10), ""), ("angry", votes(unknown=9, anger=1), "")])
    data = read_labelled(tmp_path)
    report = judge(data, probabilities(LevelClassifier(), data.crops)).report
    assert report["selective"]["coverage_0.8"] == 1.0
    assert set(report["selective"]) == {"coverage_1", "coverage_0.9", "coverage_0.8", "coverage_0.7", "coverage_0.5"}


# --- two networks ---


def test_difference_of_two_by_hand(tmp_path: Path) -> None:
    write_photos(tmp_path, [("happy", "happy", "a"), ("sad", "happy", "b")])
    data = read_labelled(tmp_path)
    ours = judge(data, probabilities(LevelClassifier(), data.crops))
    other = judge(data, np.tile(np.eye(7)[EMOTIONS.index("happy")], (2, 1)))
    found = compare(ours, other)
    assert found["report"]["accuracy"] == 1.0
    assert found["difference_points"]["accuracy"] == -50.0
    assert found["same_answer"] == 0.5


def test_another_form_of_a_network_goes_by_the_first_ones_card(tmp_path: Path) -> None:
    card = EmotionClassifier(write_network(tmp_path / "small.tflite", threshold=0.3)).card
    twin = write_network(tmp_path / "twin.tflite")
    own = EmotionClassifier.of(load_beside(twin, card))
    assert own.card.usable_min == 0.5, "its own card comes first"
    twin.with_suffix(".yaml").unlink()
    by_first = EmotionClassifier.of(load_beside(twin, card))
    assert by_first.card.usable_min == 0.3
    crops = FACE[None]
    assert np.array_equal(own.read_crops(crops).probs, by_first.read_crops(crops).probs)
    seven = write_network(tmp_path / "seven.tflite", usable=False)
    seven.with_suffix(".yaml").unlink()
    with pytest.raises(ModelError, match=r"to \[1, 8\].*found .* to \[1, 7\].*write its own card seven\.yaml"):
        load_beside(seven, card)


# --- the usable score ---


class Bright:
    """Finds what is bright usable; takes the boxes as crops. Also a face finder with one false alarm."""

    def read_crops(self, crops: np.ndarray) -> Readings:
        usable = crops.reshape(len(crops), -1).mean(axis=1) / 255.0
        return Readings(np.full((len(crops), 7), 1 / 7), usable)

    def crops(self, image: Image, faces: list[Face]) -> np.ndarray:
        made = [image[int(y) + h // 2, int(x) + w // 2, 0] for x, y, w, h in (np.int64(f.box_xywh_px) for f in faces)]
        return np.array(made, np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)

    def find(self, image: Image) -> list[Face]:
        return [Face((500.0, 20.0, 60.0, 60.0), None, 1.0), Face((40.0, 40.0, 100.0, 100.0), None, 1.0)]


def write_scene(folder: Path, *, faces: int = 1) -> None:
    """640 x 480, dark, with a bright face at (40, 40) of 100 px; a second picture without a face."""
    (folder / "images").mkdir()
    image = np.full((480, 640, 3), 20, np.uint8)
    cv2.imwrite(str(folder / "images" / "none.png"), image)
    image[40:140, 40:140] = 250
    cv2.imwrite(str(folder / "images" / "one.png"), image)
    points = [60, 70, 110, 70, 85, 90, 65, 115, 105, 115]
    with (folder / "boxes.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEADER)
        for _ in range(faces):
            table.writerow(["one.png", 640, 480, 40, 40, 100, 100, *points, 0.95])


def test_backgrounds_and_false_alarms_are_told_from_faces(tmp_path: Path) -> None:
    write_scene(tmp_path)
    evaluation = evaluate_usable(tmp_path, Bright(), {"haar": Bright()}, UsableSettings(0.5, backgrounds=50))
    usable = evaluation.report["usable"]
    assert usable["threshold"] == 0.5
    assert usable["background"] == {"n": 50, "rejected": 1.0}
    # In the picture without a face both of the finder's boxes are false, in the other one the first.
    assert usable["false_alarms"] == {"n": 3, "rejected": 1.0}
    assert usable["no_face"] == {"n": 53, "rejected": 1.0}
    assert usable["faces"] == {"n": 1, "kept": 1.0}
    assert usable["keeping_0.98"] == {"threshold": pytest.approx(250 / 255, abs=1e-4), "rejected": 1.0}
    assert evaluation.report["false_alarms_of"]["haar"]["n"] == 3
    assert usable_sheet(evaluation, title="a").shape[2] == 3


def test_nothing_of_a_kind_is_null(tmp_path: Path) -> None:
    write_scene(tmp_path, faces=0)
    usable = evaluate_usable(tmp_path, Bright(), {}, UsableSettings(0.5, backgrounds=4)).report["usable"]
    assert usable["false_alarms"] == {"n": 0, "rejected": None}
    assert usable["faces"] == {"n": 0, "kept": None}
    assert usable["keeping_0.98"] == {"threshold": None, "rejected": None}


@given(st.integers(0, 2**31), st.lists(st.tuples(*[st.floats(0, 400)] * 2, *[st.floats(5, 300)] * 2), max_size=4))
@settings(max_examples=40, deadline=None)
def test_squares_of_background_touch_no_box(seed: int, boxes: list[tuple[float, float, float, float]]) -> None:
    rows = np.array(boxes, np.float64).reshape(-1, 4)
    faces = background_faces((480, 640), rows, RNG(seed), 10)
    assert len(faces) <= 10
    for face in faces:
        x, y, side, _ = face.box_xywh_px
        assert x >= 0
        assert y >= 0
        assert x + side <= 640
        assert y + side <= 480
        x, y, side = crop_square(face)
        for left, top, width, height in boxes:
            assert x + side <= left or x >= left + width or y + side <= top or y >= top + height


def test_a_picture_full_of_faces_has_no_background() -> None:
    assert background_faces((100, 100), np.array([[0.0, 0.0, 100.0, 100.0]]), RNG(1), 5) == []


def test_labelled_faces_are_kept_and_what_is_none_rejected(tmp_path: Path) -> None:
    write_votes(tmp_path, [("happy", votes(happiness=10), ""), ("sad", votes(not_face=9, anger=1), "")])
    data = read_labelled(tmp_path)
    assert main_truth(data)[1].tolist() == [True, False]
    found = usable_of(data, Readings(np.full((2, 7), 1 / 7), np.array([0.7, 0.4])), 0.5)
    assert found == {
        "threshold": 0.5,
        "faces": {"n": 1, "kept": 1.0},
        "unknown_or_no_face": {"n": 1, "rejected": 1.0},
    }


# --- the command ---


def small_set(folder: Path) -> Path:
    folder.mkdir()
    rows = [(emotion, votes(happiness=10), emotion) for emotion in EMOTIONS]
    write_votes(folder, rows)
    return folder


def test_command_measures_everything_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, other = write_network(tmp_path / "small.tflite"), write_network(tmp_path / "seven.tflite", usable=False)
    plots = tmp_path / "plots"
    words = (small_set(tmp_path / "set"), "--model", model, "--also", other, "--robustness", "--plot", plots)
    assert run(*words, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["also"]["difference_points"]["ferplus_all"] == 0.0
    assert report["also"]["same_answer"] == 1.0
    assert set(report["robustness"]["corruptions"]) == {corruption.name for corruption in CORRUPTIONS}
    assert report["usable"]["faces"]["n"] == 7
    assert {path.name for path in plots.iterdir()} == {
        "confusion.png", "reliability.png", "risk-coverage.png", "corruptions.png",
    }  # fmt: skip
    for path in plots.iterdir():
        assert cv2.imread(str(path)) is not None
    assert run(*words) == 0
    text = capsys.readouterr().out
    for word in ("at 80% answered", "faces kept at a usable score of 0.5", "same answer", "low_light", "points lost"):
        assert word in text


def test_command_measures_the_usable_score_on_scenes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_scene(tmp_path)
    model = write_network(tmp_path / "small.tflite")
    words = (tmp_path, "--usable", "--backgrounds", "30", "--model", model, "--plot", tmp_path / "out")
    assert run(*words, "--json") == 0
    usable = json.loads(capsys.readouterr().out)["usable"]
    assert usable["background"] == {"n": 30, "rejected": 1.0}
    assert usable["faces"]["n"] == 1
    assert cv2.imread(str(tmp_path / "out" / "usable.png")) is not None
    assert run(*words) == 0
    assert "background" in capsys.readouterr().out


def test_what_does_not_go_together_is_refused_by_name(tmp_path: Path) -> None:
    scenes, labelled = tmp_path / "scenes", small_set(tmp_path / "set")
    scenes.mkdir()
    write_scene(scenes)
    seven = write_network(tmp_path / "seven.tflite", usable=False)
    for words, message in (
        ((labelled, "--usable"), "--usable measures scenes with boxes"),
        ((scenes, "--robustness"), "need labelled faces"),
        ((scenes, "--also", seven), "need labelled faces"),
        ((scenes, "--usable", "--model", seven), "has no usable score"),
        ((labelled, "--also", tmp_path / "gone.tflite"), "gone"),
    ):
        with pytest.raises((InputError, ModelError), match=message):
            run(*words)


def test_a_network_of_another_size_is_measured_on_enlarged_faces(tmp_path: Path) -> None:
    data = read_labelled(small_set(tmp_path / "set"), side_px=64)
    assert data.crops.shape == (7, 64, 64)
    assert np.unique(data.crops[0]).tolist() == [10]


# --- real data ---


def test_shipped_network_under_low_light_and_few_pixels(shared_data: Path) -> None:
    """The first faces of `valid` alone: a look at whether the way works, not a figure."""
    data = read_labelled(shared_data / "ferplus")
    few = type(data)(data.crops[:300], data.votes[:300], data.fer2013[:300], data.files, [])
    classifier = EmotionClassifier(Path(__file__).resolve().parent.parent / "models" / "emotion.tflite")
    clean = judge(few, probabilities(classifier, few.crops))
    for row in robustness(few, classifier, clean).values():
        assert row["accuracy"] > 0.3
