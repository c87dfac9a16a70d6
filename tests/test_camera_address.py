"""Secrets in addresses: taken from the environment, never shown."""

from __future__ import annotations

import pytest

from edge.camera.address import expand, is_address, mask
from edge.errors import CameraError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://joe:secret@cam.local:554/s1", "rtsp://***@cam.local:554/s1"),
        ("rtsp://joe:se@c/ret@cam.local/s1", "rtsp://***@cam.local/s1"),
        ("rtsp://joe@cam.local/s1", "rtsp://***@cam.local/s1"),
        ("http://cam/mjpg?user=joe&password=secret&x=1", "http://cam/mjpg?user=joe&password=***&x=1"),
        ("rtspsrc location=rtsp://j:secret@c/ user-pw=secret ! x", "rtspsrc location=rtsp://***@c/ user-pw=*** ! x"),
        ('rtspsrc user-pw="secret word" ! x', "rtspsrc user-pw=*** ! x"),
        ("rtsp://cam.local/s1", "rtsp://cam.local/s1"),
        ("/srv/clips/a@b.mp4", "/srv/clips/a@b.mp4"),
    ],
)
def test_credentials_are_masked(text, shown):
    assert mask(text) == shown


def test_variable_before_the_at_sign_is_encoded(monkeypatch):
    monkeypatch.setenv("CAM_PASSWORD", "p@ss/w:rd")
    assert expand("rtsp://joe:${CAM_PASSWORD}@cam/s") == "rtsp://joe:p%40ss%2Fw%3Ard@cam/s"


def test_variable_elsewhere_is_put_in_as_it_is(monkeypatch):
    monkeypatch.setenv("CAM_URL", "rtsp://joe:pw@cam/s")
    assert expand("${CAM_URL}") == "rtsp://joe:pw@cam/s"


def test_missing_variable_is_named_and_nothing_secret(monkeypatch):
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(CameraError, match="environment variable NO_SUCH is not set; set it") as caught:
        expand("rtsp://joe:secret${NO_SUCH}@cam/s")
    assert "secret" not in str(caught.value)


def test_address_or_file():
    assert is_address("rtsp://cam/s")
    assert not is_address("/srv/clip.mp4")
    assert not is_address("${NO_SUCH_VARIABLE}")


def test_whole_address_in_a_variable(monkeypatch):
    monkeypatch.setenv("CAM_URL", "rtsp://joe:pw@cam/s")
    assert is_address("${CAM_URL}")
