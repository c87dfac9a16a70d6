"""How often each back end finds the faces of video clips: against YuNet on every frame, by the protocol of boxes.csv.

Frames are scaled to 640 px; YuNet's boxes with a score of at least 0.7 and 32 px are the truth. For each clip and back
end: recall over all frames, the longest gap in frames, false boxes a frame.
"""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from pathlib import Path

import numpy as np

from edge.data import Face, Image
from edge.measure.box_sets import BoxPicture, Judged, judge, recall_and_false, scaled
from edge.measure.detection import MIN_FACE_PX
from edge.measure.recording import frames_of
from edge.vision.finders import FaceFinder, make_finder


def truth_of(faces: list[Face]) -> BoxPicture:
    """YuNet's faces as the truth of a frame."""
    rows = [[*f.box_xywh_px, *np.asarray(f.landmarks_px).ravel(), f.score] for f in faces]
    return BoxPicture(Path(), np.array(rows, np.float64).reshape(-1, 15))


def longest_gap(judged: list[Judged]) -> int:
    """Most frames in a row in which a face was missed."""
    missed = [bool((j.hit_score < 0).any()) for j in judged]
    return max((sum(1 for _ in run) for is_missed, run in groupby(missed) if is_missed), default=0)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*", help="videos; default: all of ../shared/data/clips")
    parser.add_argument("--yunet", type=Path, default=Path("../shared/peers/yunet_n_640.onnx"))
    args = parser.parse_args()
    teacher = make_finder("yunet", yunet_file=str(args.yunet), min_face_px=16, score_min=0.5)
    finders: dict[str, FaceFinder] = {name: make_finder(name, min_face_px=MIN_FACE_PX) for name in ("own", "haar")}
    for clip in args.clips or sorted(Path("../shared/data/clips").glob("*.mp4")):
        images: list[Image] = [scaled(frame.image) for frame in frames_of(clip)]
        truths = [truth_of(teacher.find(image)) for image in images]
        line: dict[str, object] = {"clip": clip.name, "frames": len(images)}
        line["faces"] = int(sum(t.counting.sum() for t in truths))
        for name, finder in finders.items():
            judged = [judge(finder.find(image), truth) for image, truth in zip(images, truths, strict=True)]
            recall, false = recall_and_false(judged, 0.0)
            line[name] = {"recall": round(recall, 4), "gap": longest_gap(judged), "false_per_frame": round(false, 4)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
