"""Training samples of the face detector: labels move with the picture, nothing that is kept out gets in."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

from detector_compose import Composer, cut, faces_under, filling, similarity  # noqa: E402
from detector_data import Scene, own_split, read_faces, read_scenes  # noqa: E402

from edge.measure.face_sets import held_out  # noqa: E402

POINTS = np.array([[[70, 60], [110, 62], [92, 85], [75, 105], [105, 107]]], np.float32)


def dotted(score: float = 0.9) -> Scene:
    """200 x 160, dark, a dot of its own level on each landmark of a face of 80 x 100 px."""
    image = np.full((160, 200, 3), 20, np.uint8)
    for n, (x, y) in enumerate(POINTS[0].astype(int)):
        image[y - 3 : y + 4, x - 3 : x + 4] = 100 + 30 * n
    box = np.array([[50, 30, 80, 100]], np.float32)
    return Scene(Path("mask_1.jpg"), (200, 160), box, POINTS, np.array([score], np.float32), [image])


def empty() -> Scene:
    image = np.random.default_rng(0).integers(0, 256, (160, 200, 3), np.uint8)
    nothing = np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32)
    return Scene(Path("ji_1.jpg"), (200, 160), *nothing, [image])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (0.8, 0.5), (1.7, -0.3)])
def test_landmarks_move_with_the_picture(scale, angle, mirrored):
    matrix = similarity(scale, angle, mirrored=mirrored)
    middle = np.array([90.0, 80.0], np.float32)
    sample = cut(dotted(), matrix, (np.array([160, 160]) - matrix @ middle).astype(np.float32), (320, 320))
    order = [1, 0, 2, 4, 3] if mirrored else [0, 1, 2, 3, 4]
    for (x, y), n in zip(sample.points[0], order, strict=True):
        assert sample.image[round(float(y)), round(float(x)), 0] == pytest.approx(100 + 30 * n, abs=6)
    box = sample.boxes[0]
    assert ((sample.points[0] > box[:2]) & (sample.points[0] < box[2:])).all()
    if mirrored and angle == 0.0:
        assert sample.points[0, 0, 0] < sample.points[0, 1, 0], "the right eye stays left in the picture"


def test_unsure_small_and_cut_faces_are_ignored_and_gone_ones_dropped():
    one = similarity(1.0, 0.0, mirrored=False)
    still = np.zeros(2, np.float32)

    def ignored(scene, matrix=one, shift=still):
        return faces_under(scene, matrix, shift, (200, 160))[3].tolist()

    assert ignored(dotted()) == [False]
    assert ignored(dotted(score=0.65)) == [True]
    assert ignored(dotted(), matrix=one * 0.1) == [True]
    assert ignored(dotted(), shift=np.array([-100, 0], np.float32)) == [True]
    assert ignored(dotted(), shift=np.array([-300, 0], np.float32)) == []


def test_picture_fills_the_window_where_it_can():
    matrix = similarity(2.0, 0.0, mirrored=False)
    shift = filling(dotted(), matrix, np.array([90, -500], np.float32), (320, 320))
    assert shift.tolist() == [0.0, 0.0], "400 x 320 px: moved to the window's edges"


def test_samples_of_one_seed_are_the_same():
    draws = [Composer([dotted(), empty()], [dotted()], side=160, seed=3) for _ in range(2)]
    for _ in range(12):
        a, b = (composer.sample() for composer in draws)
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.rows(), b.rows())
        assert a.image.shape == (160, 160, 3)
        assert a.rows().shape[1] == 16


def test_split_is_by_name_and_seed():
    scenes = [Scene(Path(f"mask_{n}.jpg"), (1, 1), *([np.zeros(0, np.float32)] * 3)) for n in range(500)]
    train, own = own_split(scenes, seed=1)
    assert 30 < len(own) < 70
    assert not {s.path for s in train} & {s.path for s in own}
    assert [s.path for s in own] != [s.path for s in own_split(scenes, seed=2)[1]]


def test_people_kept_back_are_never_pasted(shared_data):
    with (shared_data / "faces" / "faces.csv").open() as file:
        kept_back = {line.split(",")[0] for line in file if held_out(line.split(",")[1])}
    photos = read_faces(shared_data / "faces")
    assert len(photos) > 5000
    assert not {photo.path.name for photo in photos} & kept_back


def test_scenes_are_read_with_their_faces(shared_data, tmp_path):
    extra = tmp_path / "extra.csv"
    header = (shared_data / "scenes" / "boxes.csv").read_text().split("\n", 1)[0] + "\n"
    name = sorted(path.name for path in (shared_data / "scenes" / "images").iterdir())[0]
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / name).write_bytes((shared_data / "scenes" / "images" / name).read_bytes())
    (tmp_path / "boxes.csv").write_text(header)
    extra.write_text(header + f"{name},720,502" + ",10" * 14 + ",0.9\n")
    (scene,) = read_scenes(tmp_path, extra)
    assert scene.boxes.tolist() == [[10, 10, 10, 10]]
    assert scene.points.shape == (1, 5, 2)
