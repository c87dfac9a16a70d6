"""The companion over a real mosquitto: moods in, recommendations out, and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from edge import companion as root
from edge import schemas
from edge.companion_loop import CompanionLoop
from edge.config.file import load_config
from edge.core import wire
from edge.core.stamp import Stamper
from edge.core.topics import Topics
from edge.data import EMOTIONS, Face, Mood, Person, Track
from edge.player.fake import FakePlayer
from tests.chromium import browser  # noqa: F401 - a fixture
from tests.daemon import configuration
from tests.mosquitto import Mosquitto, Recorder, eventually, free_port
from tests.traces import reading

TOPICS = Topics("moodcast", "kiosk-7f3a")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def person(track_id: int, emotion: str, held_s: float = 3.0) -> Person:
    face = Face((100.0, 100.0, 90.0, 90.0), None, 0.9)
    probs = reading(emotion, 0.85) if emotion in EMOTIONS else reading("neutral", 0.3)
    mood = Mood(track_id, probs, float(probs.max()), emotion not in EMOTIONS, True, 0.5, 0.3, 0.0)
    return Person(Track(track_id, face, 0.0, 1.0), mood, emotion, held_s)


class Unit:
    """Speaks for a unit, with the daemon's own words."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._stamper = Stamper("kiosk-7f3a", os.urandom(8).hex(), time.monotonic())
        recorder.publish(TOPICS.availability, "online", retain=True)
        recorder.publish(TOPICS.privacy_state, "on", retain=True)

    def shows(self, *emotions: str) -> None:
        """People in view, the main one first."""
        people = [person(n, emotion) for n, emotion in enumerate(emotions, 1)]
        stamp = self._stamper.stamp(time.monotonic(), time.time(), synced=True)
        self._recorder.publish(TOPICS.emotion, json.dumps(wire.emotion(stamp, people, model="3f9a02c1")))


@contextmanager
def running(config: Path) -> Iterator[CompanionLoop]:
    companion = root.build_companion(load_config(config))
    thread = threading.Thread(target=companion.run)
    thread.start()
    try:
        yield companion
    finally:
        companion.stop()
        thread.join(5)
        assert not thread.is_alive()


def kiosk_config(tmp_path: Path, port: int, **sections: dict[str, Any]) -> Path:
    return configuration(tmp_path, port, **{"kiosk": {"port": free_port()}, **sections})


def page_of(config: Path, path: str) -> Any:
    port = yaml.safe_load(config.read_text())["kiosk"]["port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return json.load(answer)


def recommended(recorder: Recorder) -> list[dict[str, Any]]:
    payloads = [got.json for got in recorder.of(TOPICS.recommendation)]
    for payload in payloads:
        jsonschema.Draft202012Validator(schemas.load("recommendation")).validate(payload)
    return payloads


def test_a_mood_becomes_a_recommendation_on_the_wire_and_on_the_page(broker: Mosquitto, tmp_path: Path) -> None:
    config = kiosk_config(tmp_path, broker.port)
    with Recorder(broker.port) as recorder, running(config):
        unit = Unit(recorder)
        unit.shows("sad")
        assert recorder.wait_for(lambda r: len(r.of(TOPICS.recommendation)) == 1, 4.0)
        (told,) = recommended(recorder)
        assert told["tone"] == "gentle"
        assert all(choice["reason"].endswith(".") for choice in told["choices"].values())
        shown = page_of(config, "/api/recommendation")
        assert [c["id"] for c in shown["cards"]] == [c["item_id"] for c in told["choices"].values()]
        assert "sad" not in json.dumps(shown)
        assert recorder.of(TOPICS.companion_availability)[-1].text == "online"


def test_a_visitor_in_front_of_the_real_page(broker: Mosquitto, tmp_path: Path, browser: Any) -> None:  # noqa: F811
    """From MQTT to Chromium and back: cards within 2 s of a settled mood, and touches on the wire."""
    config = kiosk_config(tmp_path, broker.port)
    with Recorder(broker.port) as recorder, running(config):
        unit = Unit(recorder)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{yaml.safe_load(config.read_text())['kiosk']['port']}/")
        unit.shows("surprise")
        page.get_by_role("heading", name="Something new?").wait_for(timeout=4000)
        assert recorder.wait_for(lambda r: len(r.of(TOPICS.recommendation)) == 1)
        best = recommended(recorder)[0]["choices"]["1"]
        page.get_by_text(best["reason"]).first.wait_for(timeout=2000)
        page.get_by_role("button", name="Like").first.click()
        page.get_by_role("button", name="Pause").click()
        assert recorder.wait_for(lambda r: [g.text for g in r.of(TOPICS.privacy_set)] == ["paused"])
        assert recorder.wait_for(lambda r: len(r.of(TOPICS.feedback)) == 2)  # the pause is told after it is asked for
        touches = [(g.json["kind"], g.json["item_id"]) for g in recorder.of(TOPICS.feedback)]
        assert touches == [("like", best["item_id"]), ("pause", None)]
        assert page_of(config, "/api/state")["state"]["unit"] == "kiosk-7f3a"
        page.close()


def test_two_people_get_something_for_all(broker: Mosquitto, tmp_path: Path) -> None:
    with Recorder(broker.port) as recorder, running(kiosk_config(tmp_path, broker.port)):
        Unit(recorder).shows("angry", "happy")
        assert recorder.wait_for(lambda r: len(r.of(TOPICS.recommendation)) == 1, 4.0)
        (told,) = recommended(recorder)
        assert (told["tone"], told["people"]) == ("all", 2)


def test_nothing_is_recommended_to_nobody_nor_while_paused(broker: Mosquitto, tmp_path: Path) -> None:
    with Recorder(broker.port) as recorder, running(kiosk_config(tmp_path, broker.port)):
        unit = Unit(recorder)
        unit.shows()
        recorder.publish(TOPICS.privacy_state, "paused", retain=True)
        unit.shows("happy")
        time.sleep(2.5)
        assert recommended(recorder) == []


def test_rubbish_is_counted_and_nothing_stops(broker: Mosquitto, tmp_path: Path) -> None:
    with Recorder(broker.port) as recorder, running(kiosk_config(tmp_path, broker.port)) as companion:
        unit = Unit(recorder)
        for payload in ("", "[]", "{", '{"kind": "like"}', '{"kind": "dance"}', "\x00" * 50, "9" * 5000, "null"):
            recorder.publish(TOPICS.feedback, payload)
            recorder.publish(TOPICS.emotion, payload)
        recorder.publish(TOPICS.feedback, '{"kind": "like", "item_id": "no-such-item"}')
        recorder.publish(TOPICS.emotion, json.dumps({"schema": 99}))
        unit.shows("happy")
        assert recorder.wait_for(lambda r: len(r.of(TOPICS.recommendation)) == 1, 4.0)
        counts = companion.ear_counts
        assert counts["malformed"] >= 14
        assert counts["other_schema"] == 1


def test_a_like_survives_a_restart_and_is_told(broker: Mosquitto, tmp_path: Path) -> None:
    config = kiosk_config(tmp_path, broker.port)
    with Recorder(broker.port) as recorder:
        with running(config):
            Unit(recorder).shows("happy")
            assert recorder.wait_for(lambda r: len(r.of(TOPICS.recommendation)) == 1, 4.0)
            best = recommended(recorder)[0]["choices"]["1"]["item_id"]
            recorder.publish(TOPICS.feedback, json.dumps({"kind": "like", "item_id": best}))
            assert eventually((tmp_path / "state" / "companion.json").exists)
        stored = json.loads((tmp_path / "state" / "companion.json").read_text())
        assert [entry[:2] for entry in stored["history"]] == [[best, "liked"]]
        with running(config):
            pass
        assert json.loads((tmp_path / "state" / "companion.json").read_text()) == stored


def test_what_was_skipped_gives_way_and_the_music_with_it(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = FakePlayer(song_s=600.0)
    monkeypatch.setattr(root, "make_player", lambda _settings, _port: player)
    speaker = {"player": "mpd", "stable_s": 1.0, "change_s": 5.0}
    with (
        Recorder(broker.port) as recorder,
        running(kiosk_config(tmp_path, broker.port, speaker=speaker)),
    ):
        unit = Unit(recorder)
        unit.shows("happy")

        def playing() -> dict[str, Any]:
            told = recorder.of(TOPICS.now_playing)
            return told[-1].json if told else {"item_id": None}

        assert eventually(lambda: bool(playing()["item_id"]), 6.0), list(player.told)
        first = playing()["item_id"]
        recorder.publish(TOPICS.feedback, json.dumps({"kind": "skip", "item_id": first}))
        assert eventually(lambda: playing()["item_id"] not in (None, first), 4.0), list(player.told)


def test_pause_on_the_page_pauses_the_unit(broker: Mosquitto, tmp_path: Path) -> None:
    with Recorder(broker.port) as recorder, running(kiosk_config(tmp_path, broker.port)):
        Unit(recorder)
        recorder.publish(TOPICS.feedback, '{"kind": "pause"}')
        assert recorder.wait_for(lambda r: [g.text for g in r.of(TOPICS.privacy_set)] == ["paused"])


def test_a_silent_unit_is_forgotten(broker: Mosquitto, tmp_path: Path) -> None:
    config = kiosk_config(tmp_path, broker.port, companion={"stale_s": 2.0})
    with Recorder(broker.port) as recorder, running(config):
        Unit(recorder).shows("happy")
        assert eventually(lambda: page_of(config, "/api/recommendation")["scene"] == "cards", 5.0)
        assert eventually(lambda: page_of(config, "/api/recommendation")["scene"] == "idle", 15.0)


def test_a_broken_catalogue_beside_the_shipped_one_is_named_and_the_rest_is_used(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "own.yaml").write_text("items:\n- {id: a, kind: song, title: Nothing}\n- *bomb\n")
    config = kiosk_config(tmp_path, broker.port, companion={"catalogue": "own.yaml"})
    with Recorder(broker.port) as recorder, running(config):
        Unit(recorder).shows("happy")
        assert recorder.wait_for(lambda r: len(r.of(TOPICS.recommendation)) == 1, 4.0)
    assert "own.yaml:2" in caplog.text


def test_a_taken_port_costs_the_page_and_nothing_else(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = kiosk_config(tmp_path, broker.port, kiosk={"port": broker.port})
    with Recorder(broker.port) as recorder, running(config):
        Unit(recorder).shows("happy")
        assert recorder.wait_for(lambda r: len(r.of(TOPICS.recommendation)) == 1, 4.0)
    assert "cannot serve the page" in caplog.text


def test_ranking_5000_items_costs_little_more_than_150() -> None:
    bench = Path(__file__).parent.parent / "tools" / "bench_recommend.py"
    done = subprocess.run(
        [sys.executable, str(bench), "--ratio-max", "8"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def five_thousand(path: Path) -> None:
    kinds = ("music", "film", "book", "meditation", "activity", "place")
    items = [
        {
            "id": f"item-{n}",
            "kind": kinds[n % 6],
            "title": f"Title {n}",
            "creator": f"Creator {n % 700}",
            "valence": round((n * 37 % 200) / 100 - 1, 2),
            "energy": round((n * 73 % 200) / 100 - 1, 2),
            **({"text": "Breathe in. Breathe out."} if kinds[n % 6] in ("meditation", "activity") else {}),
        }
        for n in range(5000)
    ]
    path.write_text(yaml.safe_dump({"items": items}))


def test_the_process_ends_in_time_and_stays_small_with_5000_items(broker: Mosquitto, tmp_path: Path) -> None:
    five_thousand(tmp_path / "many.yaml")
    config = kiosk_config(tmp_path, broker.port, companion={"catalogue": "many.yaml"})
    command = [sys.executable, "-m", "edge.cli", "companion", "--config", str(config)]
    with Recorder(broker.port) as recorder:
        for _ in range(2):  # the second start reads the cache
            with subprocess.Popen(command) as process:
                assert recorder.wait_for(lambda r: r.of(TOPICS.companion_availability)[-1:] != [], 20)
                assert eventually(lambda: recorder.of(TOPICS.companion_availability)[-1].text == "online", 20)
                Unit(recorder).shows("happy")
                assert eventually(lambda: page_of(config, "/api/recommendation")["scene"] == "cards", 10)
                status = Path(f"/proc/{process.pid}/status").read_text()
                begin_s = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert process.wait(5) == 0
                assert time.monotonic() - begin_s < 2.0
            assert eventually(lambda: recorder.of(TOPICS.companion_availability)[-1].text == "offline")
        rss_mb = next(int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line.startswith("VmRSS"))
        assert rss_mb <= 120.0
