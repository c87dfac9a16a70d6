"""`moodcast bench`: what is counted and reported. Nothing here asserts a time."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.demo import CLIP
from edge.commands import bench as command
from edge.core.people import People, PeopleSettings
from edge.data import Face, Frame, Image, Readings
from edge.errors import InputError
from edge.measure.bench import CHUNK_FRAMES, Pipeline, bench
from edge.paths import model_path

KEYS = {"frames_per_s", "yardstick_frames_per_s", "ratio", "rss_mb", "stages_ms"}


class Everywhere:
    """Finds one large and one tiny face in every picture, and reads them as anything."""

    def __init__(self) -> None:
        self.seen = 0

    def find(self, image: Image) -> list[Face]:
        self.seen += 1
        return [Face(box_xywh_px=(10.0, 10.0, side, side), landmarks_px=None, score=1.0) for side in (50.0, 5.0)]

    def read(self, image_bgr: Image, faces: Sequence[Face]) -> Readings:
        return Readings(np.full((len(faces), 7), 1 / 7), np.ones(len(faces)))


def blank_clip(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (160, 120))
    for _ in range(frames):
        writer.write(np.zeros((120, 160, 3), np.uint8))
    writer.release()
    return path


def test_pipeline_reads_faces_that_are_large_enough_and_times_every_stage() -> None:
    parts = Everywhere()
    pipeline = Pipeline(parts, parts, People(PeopleSettings()))
    for i in range(3):
        assert pipeline.frame(Frame(np.zeros((120, 160, 3), np.uint8), 0.1 * i, i)) == 1
    assert {stage: len(times) for stage, times in pipeline.stages_s.items()} == dict.fromkeys(
        ("find", "track", "classify", "smooth", "frame"), 3
    )


@pytest.mark.parametrize(
    ("frames", "counted"),
    [
        (2, 2),
        (CHUNK_FRAMES - 1, CHUNK_FRAMES - 1),
        (2 * CHUNK_FRAMES, 2 * CHUNK_FRAMES),
        (3 * CHUNK_FRAMES - 1, 2 * CHUNK_FRAMES),
    ],
)
def test_every_frame_is_seen_once_after_the_warm_up(tmp_path: Path, frames: int, counted: int) -> None:
    parts = Everywhere()
    told: list[int] = []
    report = bench(
        blank_clip(tmp_path / "clip.mp4", frames),
        lambda: Pipeline(parts, parts, People(PeopleSettings())),
        yardstick_model=model_path(command.YARDSTICK),
        on_progress=told.append,
    )
    assert report["frames"] == counted
    assert parts.seen == counted + 2 + min(frames, CHUNK_FRAMES), "two frames for the memory, one turn to warm up"
    assert report["faces"] == counted
    assert report["yardstick_faces"] == 0
    assert told[-1] == counted
    assert (report["width_px"], report["height_px"]) == (160, 120)


def test_a_clip_that_is_too_short_or_none_is_refused_by_name(tmp_path: Path) -> None:
    parts = Everywhere()
    clip = blank_clip(tmp_path / "one.mp4", 1)
    for path, message in ((clip, "too short"), (tmp_path / "gone.mp4", "gone.mp4")):
        with pytest.raises(InputError, match=message):
            bench(path, lambda: Pipeline(parts, parts, People(PeopleSettings())), yardstick_model=Path("unused"))


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


def test_command_on_the_bundled_clip(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--frames", "10", "--json") == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert report.keys() >= KEYS
    assert report["clip"] == str(CLIP)
    assert report["frames"] == 10
    assert report["faces"] > 0
    assert report["yardstick_faces"] > 0
    assert set(report["stages_ms"]) == {"find", "track", "classify", "smooth", "frame"}
    for times in report["stages_ms"].values():
        assert 0 <= times["p50"] <= times["p95"]
    for key in KEYS - {"stages_ms"}:
        assert report[key] > 0
    assert err == "", "progress is for terminals"


def test_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--frames", "2") == 0
    out = capsys.readouterr().out
    for word in ("moodcast", "yardstick", "ratio", "MB", "classify", "p95"):
        assert word in out


def test_command_needs_two_frames() -> None:
    with pytest.raises(SystemExit):
        run("--frames", "1")
