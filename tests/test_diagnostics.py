"""What leaves the machine for whoever helps from afar: neither secrets nor pictures nor people."""

from __future__ import annotations

import json
import logging
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import cli
from edge.config.file import load_config
from edge.config.schema import mask_secrets
from edge.daemon import scrubber
from edge.doctor.bundle import MAX_BYTES, write_bundle
from edge.logs import RecentProblems
from edge.scrub import Scrubber, secret_values
from tests.daemon import Daemon, Integrator, configuration
from tests.mosquitto import Mosquitto, eventually
from tests.test_reload import TOPICS, answer_to

IN_FILE, IN_ENVIRONMENT, IN_ADDRESS, IN_VARIABLE, IN_PIPELINE = (
    "plänt-one \"q\"", "plant-two-B77", "plant-three-C88", "plant/four@D99", "plant-five-E00"
)  # fmt: skip
ALL = (IN_FILE, IN_ENVIRONMENT, IN_ADDRESS, IN_VARIABLE, IN_PIPELINE)
PICTURE_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"ftyp", b"GIF8")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder, password=IN_FILE) as broker:
        yield broker


def planted(folder: Path, port: int, monkeypatch: pytest.MonkeyPatch, camera: dict[str, Any]) -> Path:
    """A configuration with a secret everywhere that one can stand."""
    secret = folder / "password"
    secret.write_text(f"{IN_FILE}\n")
    secret.chmod(0o600)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "environment").write_text(f"# for the service\nDOOR_CAMERA='{IN_VARIABLE}'\n")
    (folder / "secrets" / "environment").chmod(0o600)
    monkeypatch.setenv("MOODCAST_MPD_PASSWORD", IN_ENVIRONMENT)
    monkeypatch.setenv("DOOR_CAMERA", IN_VARIABLE)
    mqtt = {"username": "moodcast", "password_file": str(secret)}
    return configuration(folder, port, mqtt=mqtt, camera=camera, kiosk={"enabled": False})


CAMERAS = {
    "address": {"source": "video", "path": f"rtsp://admin:{IN_ADDRESS}@127.0.0.1:1/live"},
    "query": {"source": "video", "path": f"rtsp://127.0.0.1:1/live?user=admin&password={IN_ADDRESS}"},
    "variable": {"source": "video", "path": "rtsp://admin:${DOOR_CAMERA}@127.0.0.1:1/live"},
    "pipeline": {
        "source": "gst",
        "pipeline": f"rtspsrc location=rtsp://127.0.0.1:1/x user-id=admin user-pw={IN_PIPELINE} ! videoconvert",
    },
}


def secrets_in(text: str) -> list[str]:
    forms = {
        secret: (secret, json.dumps(secret)[1:-1], secret.replace("/", "%2F").replace("@", "%40")) for secret in ALL
    }
    return [secret for secret, written in forms.items() if any(form in text for form in written)]


@pytest.mark.parametrize("kind", CAMERAS)
def test_the_bundle_holds_no_secret_and_no_picture(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    if kind == "pipeline":
        pytest.importorskip("gi", reason="needs PyGObject for the source gst")
    config = planted(tmp_path, broker.port, monkeypatch, CAMERAS[kind])
    bundle = tmp_path / "out.zip"
    with Daemon(config) as daemon:
        assert eventually(lambda: "camera" in daemon.log, 20), daemon.log
        cli.main(["doctor", "--config", str(config), "--bundle", str(bundle), "--json"])
        assert secrets_in(daemon.log) == []
    printed = capsys.readouterr().out
    assert secrets_in(printed) == []
    assert {c["name"]: c["ok"] for c in json.loads(printed)["checks"]}["broker"] is True, "the secrets are in use"
    assert bundle.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
        for name in names:
            data = archive.read(name)
            assert secrets_in(data.decode("utf-8")) == [], name
            assert not any(signature in data for signature in PICTURE_SIGNATURES), name
            assert len(data) < 2 * MAX_BYTES
        assert json.loads(archive.read("daemon.json"))["data"]["versions"]["moodcast"]
        assert "camera:" in archive.read("configuration.yaml").decode()
        assert "password" in archive.read("files.txt").decode(), "names of files are told, their content is not"
    assert {"doctor.json", "versions.json", "machine.json", "environment.txt", "journal.txt"} <= set(names)


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    else:
        yield value


def test_over_mqtt_only_scalars_and_no_secret(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = planted(tmp_path, broker.port, monkeypatch, CAMERAS["address"])
    integrator = PasswordIntegrator(broker.port)
    with integrator, Daemon(config) as daemon:
        assert integrator.says(TOPICS.state, "degraded", 20), daemon.log
        integrator.publish(TOPICS.privacy_set, f"password={IN_ENVIRONMENT}")
        answer = answer_to(integrator, "diagnostics")
        assert answer["status"] == "ok"
        data = answer["data"]
        told = list(leaves(data))
        assert all(value is None or isinstance(value, (str, int, float, bool)) for value in told)
        assert all(math.isfinite(value) for value in told if isinstance(value, float))
        assert all(len(value) < 600 for value in told if isinstance(value, str)), "no picture fits"
        assert {"state", "camera", "mqtt", "versions", "machine", "counts", "problems"} <= set(data)
        assert data["counts"]["requests"] == 1
        assert data["machine"]["python"]
        assert any("privacy/set" in line for line in data["problems"].values())
        everything = "".join(got.text for got in integrator.got if got.topic != TOPICS.privacy_set)
        assert secrets_in(everything) == []


class PasswordIntegrator(Integrator):
    """The integrator with the planted password."""

    def __init__(self, port: int) -> None:
        import paho.mqtt.client as paho  # noqa: PLC0415

        original = paho.Client.connect

        def connect(client: paho.Client, *args: Any, **options: Any) -> Any:
            client.username_pw_set("moodcast", IN_FILE)
            return original(client, *args, **options)

        paho.Client.connect = connect  # type: ignore[method-assign]
        try:
            super().__init__(port)
        finally:
            paho.Client.connect = original  # type: ignore[method-assign]


def test_the_scrubber_knows_a_secret_in_every_dress() -> None:
    scrub = Scrubber(['a/b@c "d" é', "ab"], mask_secrets)
    for dress in ('a/b@c "d" é', "a%2Fb%40c%20%22d%22%20%C3%A9", json.dumps('a/b@c "d" é')):
        assert "a/b" not in scrub(f"x {dress} y")
        assert "a%2F" not in scrub(f"x {dress} y")
    assert scrub("abc") == "abc", "a secret of two characters would eat every text"
    assert scrub("rtsp://u:p@host/") == "rtsp://***@host/"
    assert secret_values({"PWD": "/root", "MY_TOKEN": "t", "HOME": "/root"}) == ["t"]


def test_secrets_are_known_from_their_files(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("# comment\nA='hunter22'\nB=x=y=z\n")
    (tmp_path / "password").write_text("pass=word\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    files = [tmp_path / name for name in ("environment", "password", "binary", "missing")]
    scrub = scrubber(None, {}, files=files)
    assert scrub("hunter22 / x=y=z / pass=word") == "*** / *** / ***"


def test_a_configuration_that_cannot_be_read_leaves_the_rest_of_the_scrubber() -> None:
    assert scrubber(None, {"A_PASSWORD": "hunter22"})("is hunter22") == "is ***"


def test_a_missing_password_file_is_no_obstacle(tmp_path: Path) -> None:
    config = load_config(configuration(tmp_path, 1, mqtt={"password_file": str(tmp_path / "none")}))
    assert scrubber(config, {})("text") == "text"


def test_recent_problems_keep_the_newest_without_repeats_or_secrets() -> None:
    recent = RecentProblems(Scrubber(["hunter22"], mask_secrets))
    logger = logging.getLogger("edge.test_recent")
    logger.addHandler(recent)
    logger.propagate = False
    try:
        for n in range(30):
            logger.warning("problem %d hunter22", n % 15)
        logger.info("not kept")
    finally:
        logger.removeHandler(recent)
    texts = [problem.text for problem in recent.newest]
    assert texts[0] == "problem 14 ***"
    assert len(texts) == len(set(texts)) == 10


def test_a_bundle_that_cannot_be_written_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration(tmp_path, 1, kiosk={"enabled": False})
    assert cli.main(["doctor", "--config", str(config), "--bundle", str(tmp_path / "no" / "x.zip")]) == 1
    assert "name another place" in capsys.readouterr().err


def test_a_long_text_is_cut_to_its_newest_part(tmp_path: Path) -> None:
    write_bundle(tmp_path / "x.zip", {"journal.txt": "old\n" * MAX_BYTES + "newest\n"}, lambda text: text)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        text = archive.read("journal.txt").decode()
    assert text.endswith("newest\n")
    assert len(text) == MAX_BYTES
