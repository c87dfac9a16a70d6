"""What every face finder must do, on real clips where they are here and on the bundled one everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.camera.demo import CLIP
from edge.camera.source import CameraEnded, CameraSettings
from edge.camera.table import make_camera
from edge.config.sensing import Faces
from edge.data import Face
from edge.errors import ModelError
from edge.vision.finders import FINDERS, make_finder


@pytest.fixture(params=sorted(FINDERS))
def make(request):
    """Makes the finder, with settings."""
    files = {"yunet_file": str(request.getfixturevalue("yunet_file"))} if request.param == "yunet" else {}
    return lambda **settings: make_finder(request.param, **files, **settings)


def frames_of(clip: Path) -> list[np.ndarray]:
    camera = make_camera(CameraSettings(source="video", path=str(clip), realtime=False))
    camera.open()
    images = []
    try:
        while True:
            images.append(camera.read().image)
    except CameraEnded:
        return images
    finally:
        camera.close()


@pytest.fixture(scope="module")
def man(shared_data) -> np.ndarray:
    """480 x 270, one face, about 96 px wide around (241, 105)."""
    return frames_of(shared_data / "clips" / "head-pose-face-detection-male.mp4")[10]


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """640 x 480 from the bundled clip at 2 s: one person."""
    if not CLIP.is_file():
        pytest.skip("the bundled clip is not made yet: tools/make_clip.py")
    return frames_of(CLIP)[25]


def assert_good(face: Face) -> None:
    assert all(isinstance(value, float) for value in face.box_xywh_px)
    assert face.box_xywh_px[2] > 0
    assert face.box_xywh_px[3] > 0
    assert isinstance(face.score, float)
    assert 0.0 <= face.score <= 1.0
    if face.landmarks_px is not None:
        assert face.landmarks_px.shape == (5, 2)
        assert face.landmarks_px.dtype == np.float64


def test_configuration_offers_exactly_the_table():
    assert set(Faces.model_fields["back_end"].annotation.__args__) == set(FINDERS)


@pytest.mark.parametrize("picture", ["man", "drawn"])
def test_finds_the_face(make, picture, request):
    image = request.getfixturevalue(picture)
    before = image.copy()
    faces = make().find(image)
    np.testing.assert_array_equal(image, before, "the picture is not to be modified")
    assert len(faces) >= 1
    for face in faces:
        assert_good(face)
    x, y, width, height = faces[0].box_xywh_px
    if picture == "man":
        assert x < 241 < x + width
        assert y < 105 < y + height
        assert 70 < width < 150


def test_finds_the_same_again_after_a_picture_of_another_size(make, drawn):
    finder = make()
    first = finder.find(drawn)
    finder.find(np.ascontiguousarray(drawn[:300, :280]))
    second = finder.find(drawn)
    assert [face.box_xywh_px for face in second] == [face.box_xywh_px for face in first]
    assert first


def test_box_is_in_pixels_of_the_picture_given(make, drawn):
    """Also a view that is not contiguous is read."""
    finder = make()
    whole, moved = finder.find(drawn), finder.find(drawn[20:, 30:])
    assert len(whole) == len(moved)
    x, y, width, _ = whole[0].box_xywh_px
    assert moved[0].box_xywh_px[:2] == pytest.approx((x - 30, y - 20), abs=0.12 * width)


def test_landmarks_stand_where_the_record_says(yunet_file, drawn):
    (face,) = make_finder("yunet", yunet_file=str(yunet_file)).find(drawn)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks_px
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_smaller_faces_than_asked_for_are_left_out(make, drawn):
    side_px = min(make().find(drawn)[0].box_xywh_px[2:])
    assert make(min_face_px=round(side_px * 0.7)).find(drawn)
    assert not make(min_face_px=round(side_px * 1.5)).find(drawn)


def test_score_threshold_and_neighbours_are_used(drawn, yunet_file):
    assert make_finder("yunet", yunet_file=str(yunet_file), score_min=0.5).find(drawn)
    assert not make_finder("yunet", yunet_file=str(yunet_file), score_min=0.999).find(drawn)
    few, many = (len(make_finder("haar", haar_neighbours=n).find(drawn)) for n in (1, 30))
    assert few >= many


@pytest.mark.parametrize("value", [0, 128, 255])
def test_empty_picture_holds_no_face(make, value):
    assert make().find(np.full((480, 640, 3), value, np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (480, 1), (2, 3), (7, 7), (24, 24), (31, 33), (40, 40), (41, 400)])
def test_tiny_and_narrow_pictures_are_no_trouble(make, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert isinstance(make(min_face_px=16).find(noise), list)
    assert isinstance(make().find(noise), list)


@pytest.mark.parametrize(
    ("image", "named"),
    [
        (np.zeros((48, 64), np.uint8), r"uint8 \(48, 64\)"),
        (np.zeros((48, 64, 4), np.uint8), r"uint8 \(48, 64, 4\)"),
        (np.zeros((48, 64, 3), np.float32), r"float32 \(48, 64, 3\)"),
        (np.zeros((0, 64, 3), np.uint8), r"uint8 \(0, 64, 3\)"),
        (None, "NoneType"),
    ],
)
def test_other_input_is_refused_with_expected_and_actual(make, image, named):
    with pytest.raises(ValueError, match=rf"expected .*uint8 \(H, W, 3\).*, got {named}"):
        make().find(image)


def test_unknown_name_is_refused():
    with pytest.raises(ModelError, match="face finder `hog` is unknown; there are haar, own, yunet"):
        make_finder("hog")


@pytest.mark.parametrize("content", [None, b"", b"no network"])
def test_yunet_file_missing_or_broken_says_what_to_do(tmp_path, content):
    path = tmp_path / "yunet.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"yunet\.onnx: .*(download|haar)"):
        make_finder("yunet", yunet_file=str(path))


def test_yunet_without_a_file_says_what_to_do():
    with pytest.raises(ModelError, match=r"`faces\.yunet_file`"):
        make_finder("yunet")
