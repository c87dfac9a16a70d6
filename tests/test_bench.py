"""`moodcast bench`: what is counted and reported. Nothing here asserts a time."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.demo import CLIP
from edge.commands import bench as command
from edge.core.people import People, PeopleSettings
from edge.core.schedule import Schedule, ScheduleSettings
from edge.data import Face, Frame, Image, Readings
from edge.errors import BrokerError, InputError
from edge.measure import broker
from edge.measure.bench import CHUNK_FRAMES, STREAM_HZ, Pipeline, Scheduled, bench, growth
from edge.measure.decoded import decoded_frames
from edge.measure.recording import frames_of
from edge.measure.sources import SIZE_PX, empty_room
from edge.paths import model_path
from edge.watch import Watch, thumbnail

KEYS = {
    "frames_per_s",
    "yardstick_frames_per_s",
    "ratio",
    "scheduled_ratio",
    "scheduled_looks_per_s",
    "cpu_s_per_video_hour",
    "rss_mb",
    "stages_ms",
}


class Everywhere:
    """Finds one large and one tiny face in every picture, and reads them as anything."""

    def __init__(self) -> None:
        self.seen = 0

    def find(self, image: Image) -> list[Face]:
        self.seen += 1
        return [Face(box_xywh_px=(10.0, 10.0, side, side), landmarks_px=None, score=1.0) for side in (50.0, 5.0)]

    def read(self, image_bgr: Image, faces: Sequence[Face]) -> Readings:
        return Readings(np.full((len(faces), 7), 1 / 7), np.ones(len(faces)))


def watch(parts: Everywhere) -> Watch:
    return Watch(parts, parts, People(PeopleSettings()), Schedule(ScheduleSettings()))


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
    scheduled = Everywhere()
    report = bench(
        blank_clip(tmp_path / "clip.mp4", frames),
        lambda: Pipeline(parts, parts, People(PeopleSettings())),
        lambda: watch(scheduled),
        yardstick_model=model_path(command.YARDSTICK),
        on_progress=told.append,
    )
    assert report["frames"] == counted
    assert parts.seen == counted + 2 + min(frames, CHUNK_FRAMES), "two frames for the memory, one turn to warm up"
    assert report["faces"] == counted
    assert scheduled.seen == pytest.approx(counted * 10 / STREAM_HZ, abs=1), "10 looks for 30 frames"
    assert report["scheduled_looks_per_s"] == pytest.approx(scheduled.seen * STREAM_HZ / counted, abs=0.01)
    assert report["yardstick_faces"] == 0
    assert told[-1] == counted
    assert (report["width_px"], report["height_px"]) == (160, 120)


def test_a_clip_that_is_too_short_or_none_is_refused_by_name(tmp_path: Path) -> None:
    parts = Everywhere()
    clip = blank_clip(tmp_path / "one.mp4", 1)
    for path, message in ((clip, "too short"), (tmp_path / "gone.mp4", "gone.mp4")):
        with pytest.raises(InputError, match=message):
            bench(
                path,
                lambda: Pipeline(parts, parts, People(PeopleSettings())),
                lambda: watch(parts),
                yardstick_model=Path("unused"),
            )


def test_frames_decoded_by_another_process_are_the_same() -> None:
    ours, theirs = frames_of(CLIP), decoded_frames(CLIP)
    for _ in range(5):
        mine, other = next(ours), next(theirs)
        assert (mine.t_s, mine.seq) == (other.t_s, other.seq)
        np.testing.assert_array_equal(mine.image, other.image)
    theirs.close()


def test_growth_counts_frames_after_the_warm_up(tmp_path: Path) -> None:
    parts = Everywhere()
    report = growth(lambda: watch(parts), blank_clip(tmp_path / "clip.mp4", 5), frames=60, warm_frames=30)
    assert report["growth_frames"] == 60
    assert parts.seen == pytest.approx(30, abs=1)
    assert report["growth_mb_per_20000_frames"] == pytest.approx(report["growth_mb"] * 20_000 / 60, abs=2)


def test_the_scheduled_mode_is_the_service_s_own_way() -> None:
    parts = Everywhere()
    scheduled = Scheduled(watch(parts))
    read = sum(scheduled.frame(Frame(np.zeros((120, 160, 3), np.uint8), 7.0, 3)) for _ in range(90))
    assert scheduled.watch.looks == parts.seen == 30
    assert read == scheduled.watch.reads
    assert scheduled.watch.looks + scheduled.watch.passed == 90


def test_an_empty_room_is_still(tmp_path: Path) -> None:
    pictures = [cv2.imread(str(path)) for path in sorted(empty_room(tmp_path / "room").iterdir())]
    assert {picture.shape for picture in pictures} == {(SIZE_PX[1], SIZE_PX[0], 3)}
    still = watch(Everywhere()).stillness
    still.looked(thumbnail(pictures[0]))
    assert not any(still.moved(thumbnail(picture)) for picture in pictures)


def test_without_mosquitto_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker.shutil, "which", lambda *_, **__: None)
    with pytest.raises(BrokerError, match="apt install mosquitto"):
        broker.Mosquitto()


def test_latency_and_service_with_a_real_broker(capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("mosquitto") is None and shutil.which("mosquitto", path="/usr/sbin") is None:
        pytest.skip("needs the program mosquitto (apt install mosquitto), which is not here")
    assert run("--frames", "10", "--latency", "20", "--service", "3", "--growth", "20", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["latency_frames"] >= 20, "every message was acknowledged"
    assert 0 < report["latency_p50_ms"] <= report["latency_p95_ms"]
    assert report["nobody_frames_per_s"] < 6.0, "the camera is slowed down"
    assert report["nobody_looks_per_s"] < 2.0
    assert 0.0 < report["person_looks_per_s"] < 12.0
    for key in ("nobody_cpu_percent", "person_cpu_percent", "nobody_rss_mb", "first_emotion_s", "first_person_s"):
        assert report[key] > 0
    assert report["first_emotion_s"] <= report["first_person_s"]
    least, most = report["person_cpu_percent_range"]
    assert least <= report["person_cpu_percent"] <= most


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
    for word in ("moodcast", "yardstick", "ratio", "scheduled", "CPU s an hour", "MB", "classify", "p95"):
        assert word in out


def test_command_needs_two_frames() -> None:
    with pytest.raises(SystemExit):
        run("--frames", "1")
