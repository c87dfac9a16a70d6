"""Training samples of the face detector: labels move with the picture, nothing that is kept out gets in."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

from detector_compose import Composer  # noqa: E402
from detector_data import FOLDS, Scene, fold_of, fold_split, own_split, read_faces, read_scenes  # noqa: E402
from detector_sample import cut, faces_under, filling, similarity  # noqa: E402

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


def named(prefix: str, count: int, *, faces: int) -> list[Scene]:
    nothing = np.zeros((faces, 4), np.float32), np.zeros((faces, 5, 2), np.float32), np.zeros(faces, np.float32)
    return [Scene(Path(f"{prefix}_{n}.jpg"), (1, 1), *nothing) for n in range(count)]


def names(scenes: list[Scene]) -> set[str]:
    return {scene.path.name for scene in scenes}


def test_split_is_by_name_and_that_of_every_run():
    scenes = named("mask", 500, faces=1)
    train, own = own_split(scenes)
    assert 30 < len(own) < 70
    assert not names(train) & names(own)
    assert names(own_split(scenes[::-1])[1]) == names(own)


def test_each_picture_without_a_face_is_kept_out_of_one_fold():
    scenes = named("mask", 500, faces=1) + named("street", 41, faces=0)
    kept_out = [fold_of(scenes, fold) for fold in range(1, FOLDS + 1)]
    assert sorted(name for fold in kept_out for name in names(fold)) == sorted(names(fold_of(scenes, 0)))
    for fold, pictures in enumerate(kept_out, 1):
        train, own = fold_split(scenes, fold)
        assert names(train) | names(own) == names(scenes)
        assert not names(train) & names(own)
        assert names(own) - names(fold_split(scenes, 0)[1]) == names(pictures)
    assert not names(fold_split(scenes, 0)[0]) & names(fold_of(scenes, 0)), "fold 0 trains on none of them"


def test_what_was_judged_wrongly_is_shown_again(monkeypatch):
    scene, chosen = dotted(), []
    composer = Composer([scene, empty()], [scene], side=160, seed=5)
    monkeypatch.setattr(Composer, "_hard_window", lambda self, places, size: chosen.append(places) or self._crop(size))
    origin = cut(scene, similarity(2.0, 0.3, mirrored=True), np.zeros(2, np.float32), (160, 160)).origin
    assert origin is not None
    middle = np.array([90.0, 80.0], np.float32)
    for is_face in (True, False):
        for _ in range(60):
            composer.remember(origin, origin.matrix @ middle, is_face=is_face)
    for _ in range(200):
        composer.sample()
    assert {len(places) for places in chosen} == {60}
    assert len({id(places) for places in chosen}) == 2, "missed faces and mistakes, both"
    for places in chosen[:1]:
        assert places[0].xy == pytest.approx(middle, abs=1e-3)
        assert places[0].scale == pytest.approx(2.0)


def test_a_grid_shows_photographs_whole_and_some_tiles_without_a_face():
    composer = Composer([dotted(), empty()], [dotted()], side=160, seed=2)
    grids = [composer._grid() for _ in range(30)]
    counts = [len(grid.boxes) for grid in grids]
    assert max(counts) > 16
    assert all(grid.image.shape == (160, 160, 3) for grid in grids)
    whole = np.mean([not flag for grid in grids for flag in grid.ignore])
    assert whole > 0.5, "most faces are large enough and in view"


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
