"""The protocol of boxes.csv by hand: what is a hit, what is false, what is left out; the report and the picture."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cli import main
from edge.core.decode import pairwise_iou
from edge.data import Face
from edge.errors import InputError
from edge.measure.box_sets import HEADER, BoxPicture, best_recall, curve, judge, read_boxes, recall_and_false
from edge.measure.detection import BackEnd, evaluate_boxes
from edge.measure.detection_plot import plot_boxes


def row(x: float, y: float, side: float, *, score: float = 0.9) -> list[float]:
    """Box and landmarks of a square face."""
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * side + [x, y]
    return [x, y, side, side, *points.ravel(), score]


def face(x: float, y: float, side: float, *, score: float = 0.9, points: bool = True) -> Face:
    values = row(x, y, side)
    landmarks = np.array(values[4:14]).reshape(5, 2) if points else None
    return Face((x, y, side, side), landmarks, score)


def truth(*rows: list[float]) -> BoxPicture:
    return BoxPicture(Path("a.png"), np.array(rows, np.float64).reshape(-1, 15))


def write_set(folder: Path, faces: dict[str, list[list[float]]], size: tuple[int, int] = (320, 240)) -> Path:
    """Grey pictures of ``size`` with a bright square where a face is said to be; rows in their pixels."""
    (folder / "images").mkdir(parents=True)
    with (folder / "boxes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for name, rows in faces.items():
            image = np.full((size[1], size[0], 3), 60, np.uint8)
            for values in rows:
                x, y, side = (round(v) for v in values[:3])
                image[y : y + side, x : x + side] = 200
                writer.writerow([name, *size, *values])
            cv2.imwrite(str(folder / "images" / name), image)
    return folder


class BrightSquares:
    """Finds each bright square."""

    def find(self, image):
        _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 130).astype(np.uint8))
        return [face(float(x), float(y), float(w)) for x, y, w, _, _ in stats[1:]]


def test_hit_miss_and_false_by_hand():
    picture = truth(row(100, 100, 50), row(300, 100, 60), row(500, 100, 20), row(10, 10, 40, score=0.6))
    found = [face(105, 100, 50, score=0.8), face(502, 102, 20), face(12, 10, 40), face(400, 400, 30, score=0.4)]
    judged = judge(found, picture)
    assert judged.face_px.tolist() == [50, 60], "small and unsure boxes do not count"
    assert judged.hit_score.tolist() == [0.8, -1.0]
    assert judged.is_false.tolist() == [False, False, False, True], "any box of the teacher excuses a box"
    assert judged.point_error[0] == pytest.approx(5 / 50)
    assert np.isnan(judged.point_error[1])
    assert recall_and_false([judged], 0.0) == (0.5, 1.0)
    assert recall_and_false([judged], 0.5) == (0.5, 0.0)
    assert recall_and_false([judged], 0.85) == (0.0, 0.0)


def test_a_box_that_hardly_touches_is_false():
    judged = judge([face(133, 100, 50), face(134, 100, 50)], truth(row(100, 100, 50)))
    assert judged.is_false.tolist() == [False, True], "IoU 0.205 and 0.19"


def test_a_hit_needs_an_iou_of_04():
    inside, outside = face(100 + 21, 100, 50), face(100 + 22, 100, 50)
    ious = pairwise_iou(np.array([inside.box_xywh_px, outside.box_xywh_px]), np.array([[100, 100, 50, 50.0]]))
    assert ious[0] > 0.4 > ious[1]
    assert judge([inside], truth(row(100, 100, 50))).hit_score[0] > 0
    assert judge([outside], truth(row(100, 100, 50))).hit_score[0] < 0


def test_the_better_box_on_a_face_gives_its_landmarks():
    judged = judge([face(110, 100, 50, score=0.5), face(101, 100, 50, score=0.9)], truth(row(100, 100, 50)))
    assert judged.point_error[0] == pytest.approx(1 / 50)


def test_back_end_without_landmarks_has_no_error():
    assert np.isnan(judge([face(100, 100, 50, points=False)], truth(row(100, 100, 50))).point_error[0])


def test_nothing_found_and_nothing_there():
    empty = judge([], truth())
    assert empty.hit_score.shape == empty.score.shape == (0,)
    assert judge([face(0, 0, 40)], truth()).is_false.tolist() == [True]
    assert judge([], truth(row(100, 100, 50))).hit_score.tolist() == [-1.0]


def test_curve_and_its_best_point():
    pictures = [
        judge([face(100, 100, 50, score=0.9), face(400, 400, 40, score=0.5)], truth(row(100, 100, 50))),
        judge([face(300, 100, 50, score=0.3)], truth(row(300, 100, 50))),
    ]
    points = curve(pictures)
    np.testing.assert_allclose(points, [[0.9, 0.5, 0.0], [0.5, 0.5, 0.5], [0.3, 1.0, 0.5]])
    assert best_recall(points, 0.1) == (0.5, 0.9)
    assert best_recall(points, 0.5) == (1.0, 0.3)
    assert best_recall(points[1:], 0.1) == (0.0, 1.0)


def test_rows_are_scaled_to_640_and_pictures_without_a_row_are_kept(tmp_path):
    folder = write_set(tmp_path, {"a.png": [row(50, 60, 40)], "b.png": []})
    pictures, problems = read_boxes(folder)
    assert [p.path.name for p in pictures] == ["a.png", "b.png"]
    assert pictures[0].rows[0, :4].tolist() == [100, 120, 80, 80]
    assert pictures[0].rows[0, 14] == 0.9
    assert pictures[0].read().shape == (480, 640, 3)
    assert pictures[1].rows.shape == (0, 15)
    assert problems == []


def test_broken_rows_are_named_and_the_rest_is_read(tmp_path):
    folder = write_set(tmp_path, {"a.png": [row(50, 60, 40)]})
    with (folder / "boxes.csv").open("a") as file:
        file.write("gone.png,320,240" + ",1" * 15 + "\na.png,320,240,x" + ",1" * 14 + "\n")
        file.write("a.png,320,240" + ",1,1,0,1" + ",1" * 11 + "\n")
    pictures, problems = read_boxes(folder)
    assert len(pictures[0].rows) == 1
    assert [p.split(": ", 1)[1] for p in problems] == [
        "image: no gone.png in images/",
        "x: 'x' is not a number",
        "width, height, w, h: must be above 0",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [("image\n", r"boxes\.csv:1: missing columns: width"), (b"\xff\xfe\x00\x81" * 20, "cannot be read as CSV")],
)
def test_a_table_that_is_none_is_refused(tmp_path, content, message):
    folder = write_set(tmp_path, {"a.png": []})
    (folder / "boxes.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        read_boxes(folder)


def test_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "boxes.csv").write_text(",".join(HEADER))
    with pytest.raises(InputError, match="images"):
        read_boxes(tmp_path)


def test_report_by_back_end(tmp_path):
    folder = write_set(
        tmp_path, {"a.png": [row(50, 60, 40), row(200, 60, 10)], "b.png": [row(20, 20, 80)], "c.png": []}
    )
    evaluation = evaluate_boxes(folder, {"bright": BackEnd(BrightSquares(), None, 0.7)})
    figures = evaluation.report["back_ends"]["bright"]
    assert (figures["recall"], figures["false_per_image"]) == (1.0, 0.0)
    assert figures["landmark_error"] < 0.03
    assert figures["ms"] > 0
    assert figures["recall_by_size_px"]["48-96"] == {"recall": 1.0, "n": 1}
    assert figures["recall_by_size_px"]["32-48"] == {"recall": None, "n": 0}
    assert figures["recall_by_tilt_deg"]["0-10"]["n"] == 2
    assert figures["recall_by_level"]["192-256"]["n"] == 2
    assert (evaluation.report["n_images"], evaluation.report["n_faces"]) == (3, 2)
    json.dumps(evaluation.report)


def test_unreadable_picture_is_named_and_the_rest_measured(tmp_path):
    folder = write_set(tmp_path, {"a.png": [row(50, 60, 40)], "b.png": []})
    (folder / "images" / "b.png").write_bytes(b"no picture")
    evaluation = evaluate_boxes(folder, {"bright": BackEnd(BrightSquares(), None, 0.7)})
    assert evaluation.report["n_images"] == 1
    assert len(evaluation.problems) == 1
    assert "b.png" in evaluation.problems[0]


def test_misses_and_alarms_are_on_the_picture(tmp_path):
    class Wrong:
        def find(self, image):
            return [face(5, 5, 40, score=0.8), face(600, 440, 80, score=0.75)]

    folder = write_set(tmp_path, {"a.png": [row(150, 60, 40)], "b.png": []})
    evaluation = evaluate_boxes(
        folder, {"wrong": BackEnd(Wrong(), None, 0.7), "bright": BackEnd(BrightSquares(), None, 0.7)}
    )
    assert [len(evaluation.misses), len(evaluation.alarms)] == [1, 4]
    assert evaluation.report["back_ends"]["wrong"]["false_where_no_face_counts"] == 2
    picture = plot_boxes(evaluation, title="a set")
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert (picture < 250).any()


def test_command_measures_every_back_end_it_can_make(tmp_path, capsys):
    folder = write_set(tmp_path / "set", {"a.png": [], "b.png": [row(50, 60, 40)]})
    out = tmp_path / "curves.png"
    assert main(["evaluate", str(folder), "--json", "--plot", str(out)]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert {"own", "haar"} <= set(report["back_ends"])
    assert list(report["left_out"]) == ["yunet"]
    assert "left out: yunet" in printed.err
    assert cv2.imread(str(out)) is not None
    assert main(["evaluate", str(folder)]) == 0
    assert "false_per_image" in capsys.readouterr().out
