"""How well identities are kept: IDF1, id switches, fragments.

IDF1: E. Ristani et al., "Performance measures and a data set for multi-target, multi-camera tracking", ECCV Workshops
2016. Switches: K. Bernardin and R. Stiefelhagen, "Evaluating multiple object tracking performance: the CLEAR MOT
metrics", 2008. A frame's truths that need not be found are left out with what was found on them, as in KITTI.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.core.track import iou
from edge.data import Box

HIT_IOU = 0.4
"""As in the project's detection protocol."""
Matrix = list[list[float]]


def assignment(cost: Matrix) -> list[int]:  # noqa: C901, PLR0912  one algorithm, as in the books
    """For each row the column of the cheapest assignment; rows must not outnumber columns.

    The Hungarian method with shortest augmenting paths, O(n^3): H. W. Kuhn 1955, R. Jonker and A. Volgenant 1987.
    """
    rows, columns = len(cost), len(cost[0]) if cost else 0
    if rows > columns:
        raise ValueError(f"{rows} rows and {columns} columns: rows must not outnumber columns")
    row_price, column_price = [0.0] * (rows + 1), [0.0] * (columns + 1)
    owner = [0] * (columns + 1)
    for row in range(1, rows + 1):
        owner[0], at = row, 0
        slack, came, used = [float("inf")] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while owner[at]:
            used[at] = True
            here, step, following = owner[at], float("inf"), 0
            for column in range(1, columns + 1):
                if not used[column]:
                    reduced = cost[here - 1][column - 1] - row_price[here] - column_price[column]
                    if reduced < slack[column]:
                        slack[column], came[column] = reduced, at
                    if slack[column] < step:
                        step, following = slack[column], column
            for column in range(columns + 1):
                if used[column]:
                    row_price[owner[column]] += step
                    column_price[column] -= step
                else:
                    slack[column] -= step
            at = following
        while at:
            owner[at], at = owner[came[at]], came[at]
    chosen = [-1] * rows
    for column in range(1, columns + 1):
        if owner[column]:
            chosen[owner[column] - 1] = column - 1
    return chosen


@dataclass(slots=True)
class Score:
    """Counts of one or more sequences."""

    truths: int = 0
    found: int = 0
    kept: int = 0
    """Frames in which the identity that suits a person best over the sequence was on that person (IDTP)."""
    hits: int = 0
    switches: int = 0
    fragments: int = 0
    people: int = 0

    @property
    def idf1(self) -> float:
        """1 when nothing was to be found and nothing was."""
        both = self.truths + self.found
        return 2 * self.kept / both if both else 1.0

    def add(self, other: Score) -> None:
        for name in Score.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_dict(self) -> dict[str, float]:
        counts = {name: getattr(self, name) for name in Score.__slots__}
        recall, precision = self.hits / max(self.truths, 1), self.hits / max(self.found, 1)
        return {"idf1": round(self.idf1, 4), "recall": round(recall, 4), "precision": round(precision, 4), **counts}


Truth = tuple[int, Box, bool]
"""Person, box, whether finding it counts."""
Found = tuple[int, Box]
"""Track id, box."""


@dataclass(slots=True)
class _Story:
    """What has happened to one person so far."""

    track: int | None = None
    lost: bool = False


@dataclass(slots=True)
class Scorer:
    """Takes one sequence frame by frame."""

    score: Score = field(default_factory=Score)
    _together: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    _stories: dict[int, _Story] = field(default_factory=dict)

    def frame(self, truths: Sequence[Truth], found: Sequence[Found]) -> None:
        """One frame: everybody in it, and the tracks that the tracker says it sees."""
        counted = [(person, box) for person, box, counts in truths if counts]
        others = [box for _, box, counts in truths if not counts]
        free = [f for f in found if not _on_another(f[1], [box for _, box in counted], others)]
        self.score.truths += len(counted)
        self.score.found += len(free)
        for person, box in counted:
            for track, found_box in free:
                if iou(box, found_box) >= HIT_IOU:
                    self._together[person, track] += 1
        self._follow(counted, free)

    def _follow(self, counted: list[Found], free: list[Found]) -> None:
        """CLEAR MOT: a person stays with its track while the boxes still fit, the rest is matched best first."""
        boxes, open_tracks, matched = dict(counted), dict(free), dict[int, int]()
        for person, box in counted:
            before = self._stories.setdefault(person, _Story()).track
            if before in open_tracks and iou(box, open_tracks[before]) >= HIT_IOU:
                matched[person] = before
                del open_tracks[before]
        pairs = [(iou(boxes[p], b), p, t) for p in boxes if p not in matched for t, b in open_tracks.items()]
        for overlap, person, track in sorted(pairs, reverse=True):
            if overlap >= HIT_IOU and person not in matched and track in open_tracks:
                matched[person] = track
                del open_tracks[track]
        self.score.hits += len(matched)
        for person in boxes:
            story, track_now = self._stories[person], matched.get(person)
            if track_now is None:
                story.lost = story.track is not None
                continue
            self.score.fragments += story.lost
            self.score.switches += story.track is not None and story.track != track_now
            story.track, story.lost = track_now, False

    def done(self) -> Score:
        """The score of the sequence."""
        people = sorted({p for p, _ in self._together})
        tracks = sorted({t for _, t in self._together})
        width = max(len(people), len(tracks))
        cost = [[-float(self._together.get((p, t), 0)) for t in tracks] + [0.0] * (width - len(tracks)) for p in people]
        self.score.kept = int(-sum(row[c] for row, c in zip(cost, assignment(cost), strict=True)))
        self.score.people = len(self._stories)
        return self.score


def _on_another(box: Box, counted: Sequence[Box], others: Sequence[Box]) -> bool:
    """Whether ``box`` sits on somebody who need not be found, and on nobody who must be."""
    return all(iou(box, c) < HIT_IOU for c in counted) and any(iou(box, o) >= HIT_IOU for o in others)
