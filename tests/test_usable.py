"""Faces that cannot be used: what the network says, what its card says, and that no reading comes of them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.camera.demo import CLIP
from edge.compose import load_or_default, usable_min
from edge.config.schema import Config
from edge.core.people import People, PeopleSettings
from edge.core.probabilities import sigmoid
from edge.core.reload import compare
from edge.data import Face, Frame, Readings
from edge.errors import ModelError
from edge.measure.analyze import Analyzer, Reading, as_line, as_record
from edge.measure.annotate import draw
from edge.measure.bench import Pipeline
from edge.measure.recording import frames_of
from edge.measure.replay import read_trace, replay
from edge.vision.emotion import EmotionClassifier
from edge.vision.model import read_card
from tests.small_network import write_network
from tests.test_analyze import BrightFinder, HappyReader, medium, picture, run, write_picture

HAPPY = np.eye(7)[3]


def levels(*values: int) -> np.ndarray:
    return np.stack([np.full((48, 48), value, np.uint8) for value in values])


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_network(tmp_path / "small.tflite")


# --- the score ---


@given(st.floats(-1e6, 1e6))
def test_sigmoid_is_a_share_and_symmetric(x: float) -> None:
    (value,) = sigmoid([x])
    assert 0.0 <= value <= 1.0
    assert value == pytest.approx(1.0 - sigmoid([-x])[0])


def test_sigmoid_by_hand() -> None:
    assert sigmoid([0.0, np.log(3.0), -np.log(3.0)]) == pytest.approx([0.5, 0.75, 0.25])
    assert sigmoid(np.zeros((0,))).shape == (0,)


def test_rows_below_the_threshold_are_none() -> None:
    readings = Readings(np.eye(7)[:3], np.array([0.4, 0.5, 0.6]))
    rows = readings.rows(0.5)
    assert rows[0] is None, "below"
    assert rows[1] is not None, "at the threshold"
    assert np.array_equal(rows[2], readings.probs[2])
    assert Readings(np.zeros((0, 7)), np.zeros(0)).rows(0.5) == []


# --- network and card ---


def test_the_eighth_logit_is_the_score(network: Path) -> None:
    classifier = EmotionClassifier(network)
    readings = classifier.read_crops(levels(0, 128, 255))
    assert readings.usable == pytest.approx(sigmoid([-6.0, 0.0, 5.95]), abs=0.005)
    assert readings.probs.shape == (3, 7)
    assert readings.probs.sum(axis=1) == pytest.approx(np.ones(3))
    assert classifier.logits(levels(0)).shape == (1, 7), "the emotions alone"
    assert classifier.card.usable_min == 0.5
    assert np.array_equal(classifier.classify_crops(levels(0, 128, 255)), readings.probs)


def test_a_network_without_the_score_finds_everything_usable(tmp_path: Path) -> None:
    classifier = EmotionClassifier(write_network(tmp_path / "seven.tflite", usable=False))
    assert classifier.read_crops(levels(0, 255)).usable.tolist() == [1.0, 1.0]
    assert (classifier.card.usable_min, classifier.card.has_usable) == (0.0, False)


def test_nobody_in_view_keeps_the_shapes(network: Path) -> None:
    readings = EmotionClassifier(network).read(np.zeros((40, 60, 3), np.uint8), [])
    assert (readings.probs.shape, readings.usable.shape) == ((0, 7), (0,))


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (None, "usable.threshold: expected a number, found nothing"),
        ({"keeps": 0.98}, "usable.threshold: expected a number, found nothing"),
        ({"threshold": "half"}, "usable.threshold: expected a number, found 'half'"),
        ({"threshold": 1.0}, "usable.threshold: expected a number from 0 to below 1, found 1.0"),
        ({"threshold": -0.1}, "usable.threshold: expected a number from 0 to below 1, found -0.1"),
    ],
)
def test_a_card_with_the_score_needs_its_threshold(network: Path, section: object, expected: str) -> None:
    path = network.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"usable": section}))
    with pytest.raises(ModelError) as caught:
        EmotionClassifier(network)
    assert expected in str(caught.value)


# --- the threshold ---


def test_the_configuration_comes_before_the_card(network: Path) -> None:
    card = read_card(network.with_suffix(".yaml"))
    assert usable_min(load_or_default(None), card) == 0.5
    config = Config.model_validate({"deployment": {"context": "home"}, "emotion": {"usable_min": 0.0}})
    assert usable_min(config, card) == 0.0


def test_the_threshold_is_taken_over_by_a_reload() -> None:
    changes = compare({"emotion": {"usable_min": None}}, {"emotion": {"usable_min": 0.7}})
    assert changes.live == ("emotion.usable_min",)


# --- no reading comes of it ---


def face_at(x: float) -> Face:
    return Face((x, 100.0, 80.0, 80.0), None, 0.9)


def test_an_unusable_face_keeps_its_mood() -> None:
    people = People(PeopleSettings())
    for n in range(30):
        (track,) = people.see([face_at(100.0)], n / 30)
        people.read({track.id: HAPPY}, n / 30)
    (before,) = people.now(1.0)
    assert before.mood.usable
    (track,) = people.see([face_at(100.0)], 1.0)
    assert people.read({track.id: None}, 1.0) == []
    (after,) = people.now(1.0)
    assert not after.mood.usable
    assert after.mood.probs == pytest.approx(before.mood.probs)
    assert after.emotion == "happy"


def test_a_false_alarm_never_starts_an_emotion() -> None:
    people = People(PeopleSettings())
    events = []
    for n in range(90):
        (track,) = people.see([face_at(100.0)], n / 30)
        events += people.read({track.id: None}, n / 30)
    assert events + people.leave(3.0) == []


def test_analyze_says_what_is_not_usable(tmp_path: Path) -> None:
    analyzer = Analyzer(finder=BrightFinder(), reader=HappyReader(usable_from_px=50.0), usable_min=0.5)
    path = write_picture(tmp_path / "two.png", picture((10, 20, 30, 30), (80, 20, 30, 30)))
    (frame,) = analyzer.frames(medium(path))
    assert [reading.usable for reading in frame.readings] == [False, True]
    record = as_record("two.png", 0.0, frame.readings)
    assert [(face["usable"], face["usable_score"]) for face in record["faces"]] == [(False, 0.2), (True, 0.9)]
    line = as_line("two.png", 0.0, frame.readings)
    assert "not readable, usable 20% (track 1" in line
    assert "happy 70% (track 2" in line
    assert draw(frame.image, frame.readings).shape == frame.image.shape


def test_replay_leaves_out_what_is_not_usable(tmp_path: Path) -> None:
    def trace(*, usable: bool) -> Path:
        path = tmp_path / f"{usable}.jsonl"
        reading = Reading(1, face_at(100.0), HAPPY, 0.3, usable)
        path.write_text("\n".join(json.dumps(as_record("a.mp4", n / 30, [reading])) for n in range(60)))
        return path

    def events(path: Path) -> list[str]:
        return [e.event_type for step in replay(read_trace(path), PeopleSettings()) for e in step.events]

    assert events(trace(usable=True))[0] == "start"
    assert events(trace(usable=False)) == []


def test_bench_reads_as_the_service_does() -> None:
    class Parts:
        def find(self, image: np.ndarray) -> list[Face]:
            return [face_at(100.0)]

        def read(self, image: np.ndarray, faces: list[Face]) -> Readings:
            return Readings(HAPPY[None], np.array([0.3]))

    people = People(PeopleSettings())
    pipeline = Pipeline(Parts(), Parts(), people, 0.5)
    for n in range(30):
        assert pipeline.frame(Frame(np.zeros((300, 300, 3), np.uint8), n / 30, n)) == 1
    assert people.now(1.0) == (), "never a face to read: no person"


def test_the_command_takes_the_threshold_from_card_and_configuration(
    tmp_path: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    somebody = write_picture(tmp_path / "somebody.png", next(itertools.islice(frames_of(CLIP), 75, None)).image)

    def usable(section: str) -> list[bool]:
        config = tmp_path / "some.yaml"
        config.write_text(f"deployment: {{context: home}}\nemotion: {section}\n")
        assert run(somebody, "--json", "--model", network, "--config", config) == 0
        return [face["usable"] for face in json.loads(capsys.readouterr().out)["faces"]]

    assert usable("{usable_min: 0}") == [True]
    assert usable("{usable_min: 1}") == [False]
    write_network(network, threshold=0.999)
    assert usable("{}") == [False], "the card's"
