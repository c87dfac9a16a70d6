"""The measures of identity, by hand and against brute force; and the tracker on composed and real video."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

import evaluate_tracking  # noqa: E402
import track_sequences  # noqa: E402
from tracking_metrics import Scorer, assignment  # noqa: E402

from edge.data import Box  # noqa: E402
from edge.vision.finders import make_finder  # noqa: E402

HERE: Box = (100.0, 100.0, 50.0, 60.0)
THERE: Box = (300.0, 100.0, 50.0, 60.0)

matrices = st.integers(1, 5).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(-20, 20).map(float), min_size=columns, max_size=columns), min_size=1, max_size=columns
    )
)


@settings(deadline=None)
@given(matrices)
def test_assignment_is_as_cheap_as_the_cheapest_of_all(cost: list[list[float]]) -> None:
    chosen = assignment(cost)
    assert len(set(chosen)) == len(cost)
    cheapest = min(
        sum(cost[row][column] for row, column in enumerate(order))
        for order in itertools.permutations(range(len(cost[0])), len(cost))
    )
    assert sum(cost[row][column] for row, column in enumerate(chosen)) == pytest.approx(cheapest)


def test_more_rows_than_columns_are_refused_and_nothing_is_nothing() -> None:
    assert assignment([]) == []
    with pytest.raises(ValueError, match="rows"):
        assignment([[1.0], [2.0]])


def test_one_id_all_the_time_is_perfect() -> None:
    scorer = Scorer()
    for _ in range(10):
        scorer.frame([(0, HERE, True), (1, THERE, True)], [(7, HERE), (8, THERE)])
    score = scorer.done()
    assert (score.idf1, score.switches, score.fragments, score.people) == (1.0, 0, 0, 2)


def test_a_new_id_half_way_halves_idf1_and_is_one_switch() -> None:
    scorer = Scorer()
    for n in range(10):
        scorer.frame([(0, HERE, True)], [(7 if n < 5 else 8, HERE)])
    score = scorer.done()
    assert (score.idf1, score.switches) == (0.5, 1)


def test_two_who_exchange_ids_are_two_switches() -> None:
    scorer = Scorer()
    for n in range(10):
        found = [(7, HERE), (8, THERE)] if n < 5 else [(8, HERE), (7, THERE)]
        scorer.frame([(0, HERE, True), (1, THERE, True)], found)
    score = scorer.done()
    assert (score.idf1, score.switches) == (0.5, 2)


def test_misses_count_as_fragments_and_false_faces_against_idf1() -> None:
    scorer = Scorer()
    for n in range(10):
        found = [] if n in (4, 5) else [(7, HERE)]
        scorer.frame([(0, HERE, True)], [*found, (9, THERE)])
    score = scorer.done()
    assert (score.switches, score.fragments) == (0, 1)
    assert score.idf1 == pytest.approx(2 * 8 / (10 + 18))


def test_who_need_not_be_found_is_neither_right_nor_wrong() -> None:
    scorer = Scorer()
    for n in range(10):
        scorer.frame([(0, HERE, True), (1, THERE, False)], [(7, HERE), (8 + n, THERE)])
    score = scorer.done()
    assert (score.idf1, score.found, score.truths) == (1.0, 10, 10)


# --- on pictures -------------------------------------------------------------------------------------------------


def test_seeds_of_both_kinds_together_are_refused(shared_data: Path) -> None:
    with pytest.raises(ValueError, match="held out"):
        next(track_sequences.composed(shared_data, range(999, 1002)))


def test_a_sequence_is_its_seed_and_its_losses_are_short(shared_data: Path) -> None:
    one, again = (next(track_sequences.composed(shared_data, range(3, 4))) for _ in range(2))
    assert (one.frame(2.0) == again.frame(2.0)).all()
    assert one.times() == again.times()
    assert max(one._losses(), default=0.0) <= track_sequences.LONGEST_LOSS_S


def test_composed_people_keep_their_ids(shared_data: Path, yunet_file: Path, tmp_path: Path) -> None:
    finder = make_finder("yunet", min_face_px=24, yunet_file=str(yunet_file))
    seeds = range(2, 4)  # 10 and 15 frames a second
    done = [
        track_sequences.detected(sequence, finder, seed=seed, shrink=0.75)
        for seed, sequence in zip(seeds, track_sequences.composed(shared_data, seeds), strict=True)
    ]
    file = tmp_path / "seeds.json"
    file.write_text(json.dumps({"finder": "yunet", "sequences": done}))
    report = evaluate_tracking.composed(file)
    assert report["idf1"] >= 0.95, report
    smoothed = evaluate_tracking.smoothing(file)
    assert smoothed["jitter_told_percent"] < smoothed["jitter_found_percent"]


@pytest.mark.parametrize("back_end", ["haar", "yunet"])
def test_nobody_in_the_clips_changes_the_id(back_end: str, shared_data: Path, yunet_file: Path) -> None:
    least_px = 16 if back_end == "yunet" else 40
    finder = make_finder(back_end, min_face_px=least_px, yunet_file=str(yunet_file))
    for name, people in evaluate_tracking.CLIPS.items():
        told = evaluate_tracking.clip(shared_data / "clips" / name, people, finder)
        assert (told["ids"], told["switches"]) == (people, 0), name
