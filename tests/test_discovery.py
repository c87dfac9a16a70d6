"""What Home Assistant is told."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from edge import schemas
from edge.core.discovery import Discovery
from edge.core.topics import Topics
from edge.data import EMOTIONS

PEOPLE = ["confidence", "event", "face_present", "mood"]


def discovery(*, people: bool = True, unit: str = "kiosk-7f3a") -> Discovery:
    return Discovery(
        Topics("moodcast", unit),
        prefix="homeassistant",
        name="Lobby",
        version="0.1.0",
        heartbeat_s=5.0,
        health_s=60.0,
        people=people,
    )


def components(**changes: Any) -> dict[str, dict[str, Any]]:
    found = discovery(**changes).payload()["cmps"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("people", [True, False])
def test_fits_its_schema(people: bool) -> None:
    payload = json.loads(json.dumps(discovery(people=people).payload()))
    jsonschema.Draft202012Validator(schemas.load("discovery")).validate(payload)


def test_topics() -> None:
    assert discovery().topic == "homeassistant/device/moodcast-kiosk-7f3a/config"
    assert discovery(unit="moodcast-7f3a9c21").topic == "homeassistant/device/moodcast-7f3a9c21/config"
    assert discovery().birth_topic == "homeassistant/status"
    # What Home Assistant's TOPIC_MATCHER accepts.
    assert re.fullmatch(r"homeassistant/\w+/[a-zA-Z0-9_-]+/config", discovery().topic)


def test_all_entities_of_a_unit() -> None:
    found = components()
    assert {key: component["p"] for key, component in found.items() if key in PEOPLE} == {
        "mood": "sensor",
        "confidence": "sensor",
        "face_present": "binary_sensor",
        "event": "event",
    }
    assert found["paused"]["p"] == "switch"
    assert found["mood"]["options"] == [*EMOTIONS, "unsure", "none"]
    assert found["event"]["event_types"] == ["start", "update", "end"]
    diagnostic = {key for key, component in found.items() if component.get("entity_category") == "diagnostic"}
    assert diagnostic == {"fps", "temperature", "rss", "outbox", "camera", "state"}


def test_every_entity_has_its_own_id_and_a_topic_of_the_contract() -> None:
    known = set(vars(Topics("moodcast", "kiosk-7f3a")).values())
    found = components()
    assert len({component["unique_id"] for component in found.values()}) == len(found)
    assert {component["state_topic"] for component in found.values()} <= known


def test_two_units_share_no_id() -> None:
    mine = {component["unique_id"] for component in components(unit="a-1").values()}
    theirs = {component["unique_id"] for component in components(unit="a-2").values()}
    assert not mine & theirs


def test_values_expire_without_heartbeats() -> None:
    found = components()
    assert found["mood"]["expire_after"] == found["face_present"]["expire_after"] == 20
    assert found["fps"]["expire_after"] == 180
    assert "expire_after" not in found["event"]  # Home Assistant's event platform has none
    assert "expire_after" not in found["state"]  # published on change only


def test_without_events_about_people_their_entities_are_removed() -> None:
    found = components(people=False)
    assert {key: component for key, component in found.items() if key in PEOPLE} == {
        "mood": {"p": "sensor"},
        "confidence": {"p": "sensor"},
        "face_present": {"p": "binary_sensor"},
        "event": {"p": "event"},
    }
    assert found["audience_in_view"]["enabled_by_default"] is True
    assert components()["audience_in_view"]["enabled_by_default"] is False


def test_the_pause_switch_speaks_the_words_of_the_privacy_topics() -> None:
    paused = components()["paused"]
    assert (paused["payload_on"], paused["payload_off"]) == ("paused", "on")
    assert paused["command_topic"].endswith("/privacy/set")
    assert paused["state_topic"].endswith("/privacy/state")


def test_templates_name_fields_of_the_schemas() -> None:
    topics = Topics("moodcast", "kiosk-7f3a")
    for component in components().values():
        template = component.get("value_template")
        if template is None:
            continue
        schema = next(name for name in schemas.names() if getattr(topics, name, None) == component["state_topic"])
        for field in re.findall(r"value_json\.(\w+)", template):
            assert field in schemas.load(schema)["properties"], (schema, field)
