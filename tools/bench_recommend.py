#!/usr/bin/env python3
"""Times the ranking at 150 and at 5,000 items, and the loading of 5,000 items with and without the cache.

    python tools/bench_recommend.py [--runs 300] [--ratio-max 8]      prints JSON

The items are those of config/catalogue.yaml, repeated under other ids with moved valence and energy.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.catalogue import load_catalogue
from edge.core.recommend import Index, Item, Past, Situation, recommend
from edge.data import EMOTIONS

ROOT = Path(__file__).resolve().parent.parent
SIZES = (150, 5000)


def grown(items: tuple[Item, ...], n: int) -> list[Item]:
    """``n`` items made from real ones."""
    chance = random.Random(7)
    made = []
    for number in range(n):
        item = items[number % len(items)]
        move = chance.uniform(-0.2, 0.2)
        made.append(
            replace(
                item,
                id=f"{item.id}-{number}",
                valence=round(max(-1.0, min(1.0, item.valence + move)), 3),
                energy=round(max(-1.0, min(1.0, item.energy - move)), 3),
            )
        )
    return made


def as_yaml(items: list[Item]) -> str:
    """The items as a catalogue file, block style as people write it."""
    lines = ["items:"]
    for item in items:
        years = [f"    year: {item.year}"] if item.year is not None else []
        lines += [f"  - id: {item.id}", f"    kind: {item.kind}", f"    title: {json.dumps(item.title)}", *years]
        lines += [f"    creator: {json.dumps(item.creator)}", f"    language: {item.language}"]
        lines += [f"    minutes: {item.minutes}", f"    valence: {item.valence}", f"    energy: {item.energy}"]
        lines += [
            f"    genre: {item.genre}",
            f"    tags: [{', '.join(item.tags)}]",
            f"    text: {json.dumps(item.text)}",
        ]
    return "\n".join(lines) + "\n"


def time_ranking(items: list[Item], runs: int) -> tuple[float, float]:
    """p50 and p95 in ms over situations drawn at random, with 200 things in the history."""
    chance = random.Random(11)
    index = Index(items)
    history = [
        Past(chance.choice(items).id, chance.choice(("shown", "played", "liked", "skipped")), chance.uniform(0, 1e6))
        for _ in range(200)
    ]
    took = []
    for _ in range(runs):
        emotion = chance.choice(EMOTIONS)
        valence, arousal = chance.uniform(-1, 1), chance.uniform(-1, 1)
        situation = Situation(valence, arousal, chance.random(), emotion, hour=chance.randrange(24))
        begin = time.perf_counter()
        recommend(situation, index, history)
        took.append(1000 * (time.perf_counter() - begin))
    return float(np.percentile(took, 50)), float(np.percentile(took, 95))


def time_loading(items: list[Item]) -> dict[str, float]:
    """Seconds to load a file, first without and then with the cache, the index included."""
    with tempfile.TemporaryDirectory() as folder:
        path, found = Path(folder) / "catalogue.yaml", {}
        path.write_text(as_yaml(items), encoding="utf-8")
        for name in ("load_parsed_s", "load_cached_s"):
            begin = time.perf_counter()
            loaded = load_catalogue([path], cache_dir=Path(folder))
            Index(loaded.items)
            found[name] = round(time.perf_counter() - begin, 4)
            assert len(loaded.items) == len(items), loaded.problems[:3]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300, help="rankings timed at each size")
    parser.add_argument(
        "--ratio-max", type=float, help="fail when the median at 5,000 is more than this many times that at 150"
    )
    options = parser.parse_args()
    runs = options.runs
    items = load_catalogue([ROOT / "config" / "catalogue.yaml"], cache_dir=None).items
    timed = {n: time_ranking(grown(items, n), runs) for n in SIZES}
    figures = {f"items_{n}": {"p50_ms": round(p50, 3), "p95_ms": round(p95, 3)} for n, (p50, p95) in timed.items()}
    # The gate is on medians: on a busy machine the p95 measures the machine's other work.
    small, large = timed[SIZES[0]], timed[SIZES[1]]
    ratios = {"p50_ratio": round(large[0] / small[0], 2), "p95_ratio": round(large[1] / small[1], 2)}
    print(json.dumps(figures | ratios | time_loading(grown(items, SIZES[1]))))
    return int(options.ratio_max is not None and ratios["p50_ratio"] > options.ratio_max)


if __name__ == "__main__":
    sys.exit(main())
