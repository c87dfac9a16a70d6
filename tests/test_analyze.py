"""`moodcast analyze`: what is read, what is refused by name, what is drawn."""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.demo import CLIP
from edge.commands import analyze
from edge.data import EMOTIONS, Face, Image, Readings
from edge.errors import InputError
from edge.measure.analyze import AnalyzedFrame, Analyzer, Reading, as_line, as_record, find_scaled
from edge.measure.annotate import Copies, annotated, draw, save_picture
from edge.measure.media import MAX_PICTURE_PX, Medium, claimed_size, find_media, read_picture
from edge.measure.progress import Progress, bar

ROOT = Path(__file__).resolve().parent.parent


class BrightFinder:
    """Finds the bright rectangles of a dark picture, as one face each."""

    def find(self, image: Image) -> list[Face]:
        _, mask = cv2.threshold(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), 128, 255, cv2.THRESH_BINARY)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        boxes = [cv2.boundingRect(outline) for outline in outlines]
        return [Face(box_xywh_px=(x, y, w, h), landmarks_px=None, score=0.9) for x, y, w, h in reversed(boxes)]


class HappyReader:
    """Everybody is happy; what begins left of ``usable_from_px`` is no face."""

    def __init__(self, usable_from_px: float = 0.0) -> None:
        self.usable_from_px = usable_from_px

    def read(self, image_bgr: Image, faces: Sequence[Face]) -> Readings:
        probs = np.full((len(faces), 7), 0.05)
        probs[:, EMOTIONS.index("happy")] = 0.7
        usable = [0.9 if face.box_xywh_px[0] >= self.usable_from_px else 0.2 for face in faces]
        return Readings(probs, np.array(usable))


FAKE = Analyzer(finder=BrightFinder(), reader=HappyReader())


def picture(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (120, 160)) -> Image:
    image = np.zeros((*size, 3), np.uint8)
    for x, y, width, height in boxes:
        image[y : y + height, x : x + width] = 255
    return image


def write_video(path: Path, images: Sequence[Image], *, rate_hz: float = 10.0) -> Path:
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate_hz, (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    return path


def write_picture(path: Path, image: Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def medium(path: Path) -> Medium:
    found, problems = find_media([path])
    assert not problems
    return found[0]


def frames(path: Path) -> list[AnalyzedFrame]:
    return list(FAKE.frames(medium(path)))


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )


def exif_orientation(jpeg: bytes, orientation: int) -> bytes:
    """``jpeg`` with an EXIF segment that holds nothing but the orientation."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 0)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


# --- what is found ---


def test_folders_are_searched_below_and_other_files_left_alone(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "sub/c.webp", "sub/d.mp4", "notes.txt", ".hidden/e.jpg", ".f.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    media, problems = find_media([tmp_path])
    assert [str(m.relative) for m in media] == ["a.PNG", "b.jpg", "sub/c.webp", "sub/d.mp4"]
    assert [m.is_video for m in media] == [False, False, False, True]
    assert problems == []


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", picture())
    assert len(find_media([path, tmp_path, path])[0]) == 1


def test_empty_folder_and_missing_path_are_named(tmp_path: Path) -> None:
    media, problems = find_media([tmp_path, tmp_path / "gone.jpg"])
    assert media == []
    assert problems == [
        f"{tmp_path}: no pictures or videos in this folder",
        f"{tmp_path / 'gone.jpg'}: no such file or folder",
    ]


def test_a_device_is_not_read() -> None:
    assert find_media([Path("/dev/zero")]) == ([], ["/dev/zero: is neither a file nor a folder"])


def test_annotated_copies_of_an_earlier_run_are_not_inputs(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture())
    write_picture(tmp_path / "out" / "a-annotated.png", picture())
    media, _ = find_media([tmp_path], leave_out=tmp_path / "out")
    assert [str(m.relative) for m in media] == ["a.png"]


# --- what is read ---


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_picture_formats(tmp_path: Path, suffix: str) -> None:
    (frame,) = frames(write_picture(tmp_path / f"p{suffix}", picture((80, 20, 50, 50), (10, 20, 40, 40))))
    assert frame.t_s == 0.0
    assert [reading.track_id for reading in frame.readings] == [1, 2]
    assert [round(reading.face.box_xywh_px[0] / 10) for reading in frame.readings] == [1, 8], "from left to right"


@pytest.mark.parametrize(
    "image",
    [
        np.full((40, 50), 200, np.uint8),
        np.full((40, 50), 51400, np.uint16),
        np.full((40, 50, 3), 51400, np.uint16),
        np.full((40, 50, 4), 200, np.uint8),
        np.full((1, 1, 3), 200, np.uint8),
    ],
    ids=["grey", "grey-16-bit", "colour-16-bit", "alpha", "1x1"],
)
def test_every_kind_of_png_becomes_plain_bgr(tmp_path: Path, image: Image) -> None:
    read = read_picture(write_picture(tmp_path / "p.png", image))
    assert read.shape == (*image.shape[:2], 3)
    assert read.dtype == np.uint8
    assert (read == 200).all()


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = picture((0, 0, 20, 20), size=(60, 100))
    _, data = cv2.imencode(".jpg", image)
    path = tmp_path / "turned.jpg"
    path.write_bytes(exif_orientation(data.tobytes(), 6))  # 6: turn by 90 degrees clockwise to see it upright
    read = read_picture(path)
    assert read.shape == (100, 60, 3)
    assert read[5, -5].mean() > 200
    assert read[5, 5].mean() < 50


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.97])
def test_a_picture_cut_short_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    data = cv2.imencode(suffix, noise)[1].tobytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputError, match=f"cut{suffix}: is "):
        read_picture(path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("zero.jpg", b"", "zero.jpg: is empty"),
        ("text.jpg", b"no picture, but long enough to have a header", "text.jpg: is not a picture"),
        ("bomb.png", png_claiming(200_000, 200_000), "bomb.png: 200000 x 200000 px is too large"),
        (
            "bomb.jpg",
            b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff" + bytes(20),
            "bomb.jpg: 65535 x 65535 px is too large",
        ),
        ("stub.png", b"\x89PNG\r\n\x1a\n", "stub.png: is not a picture"),
        ("loop.jpg", b"\xff\xd8\xff\xe0\0\0" * 3, "loop.jpg: is "),
    ],
)
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_picture(tmp_path / name)


def test_claimed_size_is_read_before_decoding() -> None:
    image = picture(size=(37, 61))
    for suffix in (".png", ".jpg"):
        assert claimed_size(cv2.imencode(suffix, image)[1].tobytes()) == (61, 37)
    assert claimed_size(b"BM") is None
    assert MAX_PICTURE_PX >= 8192 * 6144, "pictures of most phones"


def test_faces_of_large_pictures_are_searched_small_and_told_large() -> None:
    class Corner:
        shape: tuple[int, ...] = ()

        def find(self, image: Image) -> list[Face]:
            self.shape = image.shape
            height, width = image.shape[:2]
            return [Face((width / 2, height / 2, width / 4, height / 4), np.array([[width, height]] * 5, float), 0.5)]

    image, finder = np.zeros((300, 401, 3), np.uint8), Corner()
    for max_px in (300 * 401, 5000, 1):
        (face,) = find_scaled(finder, image, max_px=max_px)
        assert finder.shape[0] * finder.shape[1] <= max_px
        assert face.box_xywh_px == pytest.approx((200.5, 150, 100.25, 75))
        assert face.landmarks_px is not None
        assert face.landmarks_px[0] == pytest.approx([401, 300])
        assert face.score == 0.5


def test_a_person_keeps_the_id_through_a_video(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "walk.mp4", [picture((10 + 3 * i, 30, 40, 40)) for i in range(10)])
    read = frames(clip)
    assert [frame.t_s for frame in read] == pytest.approx([0.1 * i for i in range(10)], abs=0.005)
    assert {reading.track_id for frame in read for reading in frame.readings} == {1}


def test_track_ids_start_anew_in_every_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name, picture((10, 10, 40, 40)))
    media, _ = find_media([tmp_path])
    assert [reading.track_id for m in media for f in FAKE.frames(m) for reading in f.readings] == [1, 1]


@pytest.mark.parametrize("data", [b"", b"no video at all"])
def test_a_broken_video_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"broken\.mp4"):
        frames(path)


# --- what is printed ---


def test_record_has_exactly_the_stable_fields() -> None:
    face = Face(box_xywh_px=(1.04, 2.0, 30.0, 40.0), landmarks_px=None, score=0.87654)
    probs = np.array([0.1, 0.0, 0.0, 0.6, 0.1, 0.1, 0.1])
    record = as_record("a.jpg", 1.23456, [Reading(7, face, probs)])
    assert record == {
        "source": "a.jpg",
        "t_s": 1.235,
        "faces": [
            {
                "track_id": 7,
                "box_xywh_px": [1.0, 2.0, 30.0, 40.0],
                "score": 0.8765,
                "probs": dict(zip(EMOTIONS, probs.tolist(), strict=True)),
                "emotion": "happy",
                "confidence": 0.6,
                "usable": True,
                "usable_score": 1.0,
            }
        ],
    }
    assert list(record["faces"][0]["probs"]) == list(EMOTIONS)
    assert as_line("a.jpg", 1.0, [Reading(7, face, probs)]) == "a.jpg 1.00 s: happy 60% (track 7, 30x40 px at 1,2)"
    assert as_line("a.jpg", 1.0, []) == "a.jpg 1.00 s: no face"


def test_progress_is_for_terminals_only() -> None:
    class Stream:
        def __init__(self, terminal: bool) -> None:
            self.terminal, self.text = terminal, ""

        def isatty(self) -> bool:
            return self.terminal

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None: ...

    quiet, shown = Stream(False), Stream(True)
    for stream in (quiet, shown):
        with Progress(stream) as progress:  # type: ignore[arg-type]
            progress.show("a.jpg", done=1, total=2)
    assert quiet.text == ""
    assert "] 1/2 a.jpg" in shown.text
    assert shown.text.endswith("\r\x1b[K"), "the line is taken away"
    assert bar(0, 5) == "." * 24
    assert bar(5, 5) == "#" * 24


# --- what is drawn ---


def test_draw_leaves_the_input_and_stays_inside() -> None:
    image = picture((0, 0, 60, 60))
    before = image.copy()
    face = Face(box_xywh_px=(-5.0, -5.0, 70.0, 400.0), landmarks_px=None, score=1.0)
    drawn = draw(image, [Reading(1, face, np.eye(7)[3])])
    assert (image == before).all()
    assert drawn.shape == image.shape
    assert (drawn != image).any()


def test_copies_never_take_the_place_of_an_input(tmp_path: Path) -> None:
    a = write_picture(tmp_path / "a.png", picture())
    b = write_picture(tmp_path / "a-annotated.png", picture())
    copies = Copies(tmp_path, [a, b])
    assert copies.place(medium(a)) == tmp_path / "a-annotated-2.png"
    assert copies.place(medium(b)) == tmp_path / "a-annotated-annotated.png"


def test_copies_with_the_same_name_do_not_replace_each_other(tmp_path: Path) -> None:
    one, two = (write_picture(tmp_path / name / "a.png", picture()) for name in "xy")
    bmp = write_picture(tmp_path / "x" / "a.bmp", picture())
    copies = Copies(tmp_path / "out", [one, two, bmp])
    names = [copies.place(medium(path)).name for path in (one, two, bmp)]
    assert names == ["a-annotated.png", "a-annotated-2.png", "a-annotated-3.png"]


def test_annotated_folder_keeps_its_tree_and_videos_become_mp4(tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_picture(source / "deep" / "a.jpg", picture((10, 10, 40, 40)))
    write_video(source / "walk.avi", [picture((10 + 3 * i, 30, 40, 40)) for i in range(5)])
    media, _ = find_media([source])
    copies = Copies(tmp_path / "out", [m.path for m in media])
    for m in media:
        list(annotated(FAKE.frames(m), m, copies))
    assert cv2.imread(str(tmp_path / "out" / "deep" / "a-annotated.jpg")).shape == (120, 160, 3)
    video = cv2.VideoCapture(str(tmp_path / "out" / "walk-annotated.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(10.0, rel=0.01)


def test_a_video_of_one_frame_is_annotated_too(tmp_path: Path) -> None:
    clip = medium(write_video(tmp_path / "one.mp4", [picture((10, 10, 40, 40))]))
    list(annotated(FAKE.frames(clip), clip, Copies(tmp_path / "out", [clip.path])))
    assert cv2.VideoCapture(str(tmp_path / "out" / "one-annotated.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 1


def test_copies_need_a_folder_that_can_be_written(tmp_path: Path) -> None:
    file = write_picture(tmp_path / "a.png", picture())
    with pytest.raises(InputError, match="is not a folder"):
        Copies(file, [])
    with pytest.raises(InputError, match="cannot be written"):
        save_picture(tmp_path / "gone" / "a.png", picture())


# --- the command, with the shipped network ---


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    analyze.add_arguments(parser)
    return analyze.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture(scope="module")
def clip_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture from the bundled clip, in which a face is shown."""
    video = cv2.VideoCapture(str(CLIP))
    video.set(cv2.CAP_PROP_POS_FRAMES, 75)
    done, image = video.read()
    assert done
    return write_picture(tmp_path_factory.mktemp("clip") / "person.png", image)


def test_command_reads_the_rest_and_names_what_it_cannot_read(
    clip_picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    assert run(broken, clip_picture, tmp_path / "gone.png", "--json") == 1
    out, err = capsys.readouterr()
    (record,) = [json.loads(line) for line in out.splitlines()]
    assert record["source"] == str(clip_picture)
    assert len(record["faces"]) == 1
    face = record["faces"][0]
    assert sum(face["probs"].values()) == pytest.approx(1.0, abs=1e-5)
    assert face["emotion"] == max(face["probs"], key=face["probs"].get)
    assert face["confidence"] == face["probs"][face["emotion"]]
    assert "broken.jpg: is not a picture" in err
    assert "gone.png: no such file" in err


def test_command_prints_readable_lines_and_annotates(
    clip_picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(clip_picture, "--annotate", tmp_path / "out") == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{clip_picture} 0.00 s: ")
    assert "track 1" in out
    assert err == ""
    copy = cv2.imread(str(tmp_path / "out" / "person-annotated.png"))
    assert (copy != cv2.imread(str(clip_picture))).any()


def test_command_names_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 1
    assert "no pictures or videos" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(clip_picture: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "analyze", str(clip_picture), str(CLIP), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        json.loads(process.stdout.readline())
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(timeout=60) == 0
    assert "Traceback" not in errors
    assert "Broken pipe" not in errors


def test_people_of_a_real_clip_keep_their_ids(
    shared_data: Path, yunet_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "yunet.yaml"
    faces = f"back_end: yunet, yunet_file: {yunet_file}, min_face_px: 24"
    config.write_text(f"deployment: {{context: demonstration}}\nfaces: {{{faces}}}\n")
    clip = shared_data / "clips" / "face-demographics-walking-and-pause.mp4"
    assert run(clip, "--json", "--config", config) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(record["faces"]) for record in records] == [3] * 41
    assert {face["track_id"] for record in records for face in record["faces"]} == {1, 2, 3}
    assert records[-1]["t_s"] == pytest.approx(40 / 12.5, abs=0.01)
