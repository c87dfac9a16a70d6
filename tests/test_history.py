"""What is remembered of items, and for how long."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from edge.core.history import MAX_ENTRIES, History
from edge.core.suggestion import Past


def test_the_newest_time_of_each_action_counts() -> None:
    history = History()
    history.add("a", "shown", 100.0)
    history.add("a", "shown", 160.0)
    history.add("a", "liked", 150.0)
    assert history.pasts(170.0) == [Past("a", "shown", 10.0), Past("a", "liked", 20.0)]


def test_only_what_somebody_did_on_purpose_is_kept_over_a_restart() -> None:
    history = History()
    history.add("a", "shown", 100.0)
    history.add("b", "skipped", 100.0)
    again = History(json.loads(json.dumps(history.as_json())))
    assert again.pasts(100.0) == [Past("b", "skipped", 0.0)]


def test_it_is_bounded_and_forgets_the_oldest() -> None:
    history = History()
    for n in range(MAX_ENTRIES + 10):
        history.add(f"item-{n}", "shown", float(n))
    pasts = history.pasts(0.0)
    assert len(pasts) == MAX_ENTRIES
    assert pasts[0].item_id == "item-10"


def test_a_clock_that_was_set_back_gives_no_negative_age() -> None:
    history = History([["a", "liked", 1000]])
    assert history.pasts(10.0) == [Past("a", "liked", 0.0)]


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["liked", "skipped"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(anything)
def test_rubbish_on_the_disk_counts_as_nothing(stored: object) -> None:
    for past in History(stored).pasts(0.0):
        assert isinstance(past.item_id, str)
