#!/usr/bin/env python3
"""Measures everything that docs/performance.md tells, and rewrites its tables and its picture.

    nice python tools/measure_performance.py            all of it, about ten minutes
    python tools/measure_performance.py --quick         shorter and rougher, about a minute
    python tools/measure_performance.py --keep-counts   leaves the instruction counts as they stand in the JSON

What was measured also goes to docs/performance.json, from which --tables-only makes the tables again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tools"))

from performance_estimate import BOARDS, board_ms  # noqa: E402
from performance_plot import draw  # noqa: E402
from performance_scaling import scaling  # noqa: E402
from processor import processor  # noqa: E402

PAGE, NUMBERS = ROOT / "docs/performance.md", ROOT / "docs/performance.json"
PICTURE = ROOT / "docs/images/performance.webp"
STAGES = ("find", "track", "classify", "smooth", "frame")


def machine() -> dict[str, Any]:
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
    }


def bench(*words: str) -> dict[str, Any]:
    """What ``moodcast bench --json`` says."""
    command = [sys.executable, "-m", "edge.cli", "bench", "--json", *words]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    report["clip"] = Path(report["clip"]).name  # no path of this machine
    return report


def instruction_counts() -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.json"
        subprocess.run([str(ROOT / "tools/count-instructions"), "--json", str(path)], cwd=ROOT, check=True)
        counts: dict[str, int] = json.loads(path.read_text())
        return counts


def measure(*, quick: bool, counts: dict[str, int] | None) -> dict[str, Any]:
    words = ["--frames", "60"] if quick else ["--frames", "600"]
    long = ["--growth", "200", "--latency", "30", "--service", "5"]
    if not quick:
        long = ["--growth", "20000", "--latency", "450", "--service", "120"]
    by_pixels, by_faces = scaling(5 if quick else 40)
    return {
        "machine": machine(),
        "command": "moodcast bench " + " ".join(words + long),
        "bench": bench(*words, *long),
        "by_pixels": by_pixels,
        "by_faces": by_faces,
        "instructions": counts if counts is not None else instruction_counts(),
    }


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    return "\n".join([_row(*head), "|" + "---|" * len(head), *(_row(*row) for row in rows)])


def machine_line(told: dict[str, Any]) -> str:
    where = told["machine"]
    return (
        f"Measured {where['date']} on {where['cores']} cores of an {where['processor']}, load {where['load']} at the "
        f"beginning; Python {where['python']}, OpenCV {where['opencv']}, numpy {where['numpy']}.\n`{told['command']}`"
    )


def _percent(b: dict[str, Any], who: str) -> str:
    least, most = b[f"{who}_cpu_percent_range"]
    return f"{b[f'{who}_cpu_percent']:.1f} % of one core (windows: {least:.1f} to {most:.1f})"


def acceptance(told: dict[str, Any]) -> str:
    b = told["bench"]
    times = "times as fast as the yardstick"
    rows: list[tuple[object, ...]] = [
        ("every frame searched", f"{b['ratio']:.1f} {times}", "at least 8", b["ratio"] >= 8),
        (
            f"by the schedule ({b['scheduled_looks_per_s']:g} looks a second of {b['scheduled_stream_hz']:g})",
            f"{b['scheduled_ratio']:.1f} {times}", "at least 15", b["scheduled_ratio"] >= 15,
        ),
        ("memory (`rss_mb`)", f"{b['rss_mb']:.1f} MB", "at most 110", b["rss_mb"] <= 110),
        (
            f"its growth over {b['growth_frames']} frames", f"{b['growth_mb']:.2f} MB", "at most 2 for 20,000",
            b["growth_mb_per_20000_frames"] <= 2,
        ),
        (
            "the daemon, nobody in view", _percent(b, "nobody"), "at most 3",
            b["nobody_cpu_percent"] <= 3,
        ),
        (
            f"the daemon, one person, {b['person_looks_per_s']:.1f} looks a second",
            _percent(b, "person"), "at most 10, at 10 looks",
            b["person_cpu_percent"] <= 10 and b["person_looks_per_s"] >= 9,
        ),
        (
            f"capture to acknowledgement, {b['latency_stream_hz']:g} Hz (p50, p95)",
            f"{b['latency_p50_ms']:.1f}, {b['latency_p95_ms']:.1f} ms", "p95 at most 60", b["latency_p95_ms"] <= 60,
        ),
        (
            "start of the process to its first `emotion`", f"{b['first_emotion_s']:.2f} s", "below 1.5",
            b["first_emotion_s"] < 1.5,
        ),
    ]  # fmt: skip
    shown = [(what, value, wanted, "yes" if good else "**no**") for what, value, wanted, good in rows]
    return _table(("what", "measured", "wanted", "met"), shown)


def costs(told: dict[str, Any]) -> str:
    b = told["bench"]
    rows: list[tuple[object, ...]] = [
        ("a look at every frame", f"{b['frames_per_s']:.0f} frames/s", f"{b['yardstick_frames_per_s']:.0f}"),
        ("an hour of 30 frames/s by the schedule, decoding left out", f"{b['cpu_s_per_video_hour']:.0f} CPU s", ""),
        ("the daemon's memory, nobody, one person", f"{b['nobody_rss_mb']:.0f}, {b['person_rss_mb']:.0f} MB", ""),
        ("frames and looks a second, nobody", f"{b['nobody_frames_per_s']:.1f}, {b['nobody_looks_per_s']:.1f}", ""),
        ("frames and looks a second, one person", f"{b['person_frames_per_s']:.1f}, {b['person_looks_per_s']:.1f}", ""),
        ("start to the first `emotion` of a person", f"{b['first_person_s']:.2f} s", ""),
    ]  # fmt: skip
    return _table(("what", "Moodcast", "yardstick"), rows)


def stages(told: dict[str, Any]) -> str:
    b = told["bench"]
    yardstick_ms = 1e3 / b["yardstick_frames_per_s"]
    rows: list[tuple[object, ...]] = [
        (
            stage, f"{b['stages_ms'][stage]['p50']:.2f}", f"{b['stages_ms'][stage]['p95']:.2f}",
            f"{100 * b['stages_ms'][stage]['p50'] / yardstick_ms:.2f} %",
        )
        for stage in STAGES
    ]  # fmt: skip
    rows.append(("yardstick, whole frame (mean)", f"{yardstick_ms:.2f}", "", "100 %"))
    return _table(("stage", "p50, ms", "p95, ms", "p50 of the yardstick's frame"), rows)


def instructions(told: dict[str, Any]) -> str:
    rows: list[tuple[object, ...]] = [(name, f"{count / 1e6:.3f}") for name, count in told["instructions"].items()]
    return _table(("stage, one call", "million instructions"), rows)


def growth_table(told: dict[str, Any]) -> str:
    shown = [(f"{x:.2f} megapixels, 1 face", ms, y) for x, ms, y in told["by_pixels"]]
    shown += [(f"640 x 480, {x:.0f} faces ({read} read)", ms, y) for x, ms, y, read in told["by_faces"]]
    rows: list[tuple[object, ...]] = [(what, f"{ms:.1f}", f"{y:.0f}", f"{y / ms:.1f}") for what, ms, y in shown]
    return _table(("picture", "a look, ms", "yardstick, ms", "ratio"), rows)


def estimates(told: dict[str, Any]) -> str:
    rows: list[tuple[object, ...]] = []
    for board in BOARDS:
        low, high = board_ms(board, told["instructions"])
        share = [100 * 10 * ms / 1e3 for ms in (low, high)]
        rows.append((board.name, f"{low:.0f} to {high:.0f} ms", f"{share[0]:.0f} to {share[1]:.0f} %"))
    return _table(
        ("board (estimate)", "a look with one face read", "of one core at 10 looks a second, camera left out"), rows
    )


SECTIONS = {
    "machine": machine_line, "acceptance": acceptance, "costs": costs, "stages": stages, "instructions": instructions,
    "growth": growth_table, "estimates": estimates,
}  # fmt: skip


def rewritten(text: str, told: dict[str, Any]) -> str:
    """The page with each section between its markers. Ends with a message when a marker is missing."""
    for name, section in SECTIONS.items():
        begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(begin)
        if not found or end not in rest:
            sys.exit(f"{PAGE}: the markers of `{name}` are missing")
        text = f"{before}{begin}{section(told)}\n{rest[rest.index(end) :]}"
    return text


def write_page(told: dict[str, Any]) -> None:
    PAGE.write_text(rewritten(PAGE.read_text(), told))
    points = [(x, ms, yardstick_ms) for x, ms, yardstick_ms, *_ in told["by_faces"]]
    cv2.imwrite(str(PICTURE), draw(told["by_pixels"], points), [cv2.IMWRITE_WEBP_QUALITY, 90])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep-counts", action="store_true")
    parser.add_argument("--tables-only", action="store_true", help="from docs/performance.json, measuring nothing")
    args = parser.parse_args()
    if args.tables_only:
        write_page(json.loads(NUMBERS.read_text()))
        return
    counts = json.loads(NUMBERS.read_text())["instructions"] if args.keep_counts else None
    told = measure(quick=args.quick, counts=counts)
    NUMBERS.write_text(json.dumps(told, indent=1) + "\n")
    write_page(told)


if __name__ == "__main__":
    main()
