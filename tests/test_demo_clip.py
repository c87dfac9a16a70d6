"""The bundled demo clip is what its script says, and faces in it can be found."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from edge.data import EMOTIONS

CAMERA = Path(__file__).resolve().parent.parent / "edge" / "camera"
CLIP = CAMERA / "demo.mp4"
MAX_BYTES = 1_500_000
GUARD_S = 0.5
"""Faces fade in and out around a change; frames nearer than this are not counted."""
STEP = 3
"""Every third frame is searched for faces: neighbours hardly differ, and the cascade is slow."""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    loaded = yaml.safe_load((CAMERA / "demo_script.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    video = cv2.VideoCapture(str(CLIP))
    images = []
    while True:
        there, image = video.read()
        if not there:
            break
        images.append(image)
    video.release()
    return images


@pytest.fixture(scope="module")
def counts(script: dict[str, Any], frames: list[NDArray[np.uint8]]) -> list[tuple[int, int]]:
    """(people in the script, faces found by the Haar cascade) for frames away from changes."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    changes = [segment["from_s"] for segment in script["segments"][1:]]
    result = []
    for index in range(0, len(frames), STEP):
        t_s = index / script["fps"]
        if min(abs(t_s - change) for change in changes) < GUARD_S:
            continue
        people = next(len(s["people"]) for s in script["segments"] if s["from_s"] <= t_s < s["to_s"])
        grey = cv2.cvtColor(frames[index], cv2.COLOR_BGR2GRAY)
        result.append((people, len(cascade.detectMultiScale(grey, 1.1, 5, minSize=(50, 50)))))
    return result


def test_is_small_enough_to_ship() -> None:
    assert CLIP.stat().st_size <= MAX_BYTES


def test_size_rate_and_duration_are_those_of_the_script(
    script: dict[str, Any], frames: list[NDArray[np.uint8]]
) -> None:
    video = cv2.VideoCapture(str(CLIP))
    rate = video.get(cv2.CAP_PROP_FPS)
    video.release()
    assert rate == pytest.approx(script["fps"])
    assert 12 <= rate <= 15
    assert len(frames) == round(script["duration_s"] * script["fps"])
    assert {frame.shape for frame in frames} == {(480, 640, 3)}
    assert script["size"] == [640, 480]


def test_segments_follow_each_other_without_gaps(script: dict[str, Any]) -> None:
    segments = script["segments"]
    assert segments[0]["from_s"] == 0
    assert segments[-1]["to_s"] == script["duration_s"]
    assert [s["to_s"] for s in segments[:-1]] == [s["from_s"] for s in segments[1:]]


def test_script_has_every_mood_company_and_solitude(script: dict[str, Any]) -> None:
    people = [person for segment in script["segments"] for person in segment["people"]]
    moods = {person["emotion"] for person in people}
    assert moods <= set(EMOTIONS)
    assert moods >= {"neutral", "happy", "surprise", "angry", "sad"}
    assert {len(segment["people"]) for segment in script["segments"]} == {0, 1, 2}
    assert script["segments"][0]["people"]


def test_every_face_is_an_average_of_at_least_12_people(script: dict[str, Any]) -> None:
    identities = [person["identities"] for segment in script["segments"] for person in segment["people"]]
    assert min(identities) >= 12


def test_haar_finds_the_scripted_number_of_faces(counts: list[tuple[int, int]]) -> None:
    scripted = [(people, found) for people, found in counts if people]
    assert len(scripted) > 50
    assert np.mean([people == found for people, found in scripted]) >= 0.95


def test_haar_finds_nobody_where_nobody_is(counts: list[tuple[int, int]]) -> None:
    empty = [found for people, found in counts if not people]
    assert len(empty) > 10
    assert not any(empty)


def test_picture_is_never_still(frames: list[NDArray[np.uint8]]) -> None:
    changes = [np.abs(b.astype(int) - a).mean() for a, b in pairwise(frames)]
    assert min(changes) > 0.2
