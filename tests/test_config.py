"""The configuration file: what is accepted, and what an installer is told."""

from __future__ import annotations

import itertools
import logging
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge.commands.config import check_config, print_schema, show_config
from edge.config.file import PASSWORD_VARIABLE, effective_yaml, load_config, password
from edge.config.keys import keys
from edge.config.schema import REFUSED_CONTEXTS, Config, mask_secrets
from edge.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ["moodcast.yaml", "kiosk.yaml", "vehicle.yaml"]
HOME = "deployment: {context: home}\n"

FIVE_MISTAKES = """\
deployment:
  context: workplace
camera:
  sorce: video
  width_px: ten
mqtt:
  port: 70000
  protocol: 4
"""

# What stands in the file (after a right `deployment`, so from line 2), and what must be said, in any order.
COMPLAINTS = {
    "unknown key": ("camera:\n  sorce: demo", ["3: camera.sorce: unknown key; did you mean `source`?"]),
    "unknown section": ("camara: {}", ["2: camara: unknown key; did you mean `camera`?"]),
    "wrong section": ("camera:\n  keepalive_s: 9", ["3: camera.keepalive_s: unknown key; it belongs under `mqtt`"]),
    "no section": ("log_level: info", ["2: log_level: unknown key; it belongs under `daemon`"]),
    "section in a section": ("camera:\n  mqtt: {}", ["3: camera.mqtt: `mqtt` is a section of its own"]),
    "dotted key": ("camera.source: demo", ["2: camera.source: unknown key: write `camera:`, and in", "`source:`"]),
    "text for a number": ("camera:\n  width_px: ten", ["3:", "whole number from 64 to 4096, in pixels", '"ten"']),
    "number in quotes": ('mqtt:\n  port: "1883"', ["3: mqtt.port: ", "write it without quotes"]),
    "decimal comma": ("mood: {tau_s: '0,5'}\nfaces:\n  score_min: 0,5", ["2: mood.tau_s", "4:", "a point, 0.5"]),
    "with its unit": ("mood:\n  tau_s: 10s", ["3: mood.tau_s:", "in seconds", "write the number alone, 10"]),
    "fraction": ("mqtt:\n  port: 1.5", ["3: mqtt.port: must be a whole number from 1 to 65535, not 1.5"]),
    "octal": ("mqtt:\n  keepalive_s: 010", ["3: mqtt.keepalive_s:", "leading zero"]),
    "base 60": ("mqtt:\n  keepalive_s: 1:30", ["3: mqtt.keepalive_s: must be a whole number"]),
    "nan": ("mood:\n  tau_s: .nan", ['3: mood.tau_s: must be a number above 0 and at most 10, in seconds, not ".nan"']),
    "inf": ("mood:\n  update_s: .inf", ["3: mood.update_s: must be a number"]),
    "huge": ("mood:\n  update_s: 1e999", ["3: mood.update_s: must be a number"]),
    "bool for a number": ("mqtt:\n  port: yes", ["3: mqtt.port: must be a whole number"]),
    "number for a bool": ("camera:\n  mirror: 1", ['3: camera.mirror: must be true or false, not "1"']),
    "below range": ("camera:\n  stall_s: 0.5", ["3: camera.stall_s:", "from 1 to 120, in seconds, not 0.5"]),
    "open bound": ("camera:\n  rate_hz: 0", ["3: camera.rate_hz: must be a number above 0 and at most 120, in hertz"]),
    "choice": ("camera:\n  source: vidoe", ["3: camera.source: must be one of picamera2, ", "did you mean `video`?"]),
    "number choice": ("camera:\n  rotation_deg: 45", ["3: camera.rotation_deg: must be one of 0, 90, 180, 270"]),
    "off is a bool": ("daemon:\n  log_level: off", ["3: daemon.log_level:", "takes off for false", 'quote it: "off"']),
    "no is a bool": ("unit:\n  name: no", ["3: unit.name:", 'quote it: "no"']),
    "pattern": ("unit:\n  id: My Kiosk", ["3: unit.id: must be 2-39 of a-z 0-9 _ -, beginning with a letter or digit"]),
    "topic": ("mqtt:\n  base_topic: a/#", ["3: mqtt.base_topic: must be a topic without spaces"]),
    "address as host": ("mqtt:\n  host: mqtt://me:pw1@b:1883", ["3: mqtt.host: must be the broker's name or address"]),
    "no value": ("mqtt:\n  port:", ["3: mqtt.port:", "but has no value; remove the line for the default, 1883"]),
    "list for a value": ("mqtt:\n  port: [1]", ["3: mqtt.port: must be a whole number", "not a list"]),
    "section for a value": ("mqtt:\n  port: {a: 1}", ["3: mqtt.port:", "not a section"]),
    "value for a section": ("mqtt: localhost", ["2: mqtt: is a section: its keys stand in the lines below it"]),
    "given twice": ("mqtt:\n  port: 1\n  tls: no\n  port: 2", ["5: mqtt.port: given twice, first in line 3"]),
    "section twice": ("mqtt: {}\nunit: {}\nmqtt: {}", ["4: mqtt: given twice, first in line 2"]),
    "needs path": ("camera:\n  source: video", ["3: camera.source: source `video` needs the key `path`"]),
    "needs pipeline": ("camera:\n  source: gst", ["needs the key `pipeline`"]),
    "needs a file": ("faces:\n  back_end: yunet", ["needs the key `yunet_file`"]),
    "device": ("camera:\n  source: v4l2\n  device: usb", ["4: camera.device: source `v4l2` takes a number or a path"]),
    "hysteresis": ("mood:\n  enter: 0.1", ["3: mood.enter: `leave` (0.12) must be below `enter` (0.1)"]),
    "region": ("camera:\n  region: {x: 0.5, width: 0.6}", ["3: camera.region.width: reaches beyond the picture"]),
    "no encryption": ("mqtt:\n  ca_file: ca.pem", ["3: mqtt.ca_file: `ca_file` has no effect without `tls: true`"]),
    "between keys and alone": ("mood:\n  enter: 0.1\n  tau_s: x", ["3: mood.enter:", "4: mood.tau_s:"]),
    "password": ("mqtt:\n  password: hunter2", ["3: mqtt.password: a password does not stand in this file"]),
    "control character": ('unit:\n  name: "a\\0b"', ["3: unit.name:", "control characters"]),
    "surrogate": ('unit:\n  name: "a\\ud800b"', ["3: unit.name:", "control characters"]),
    "no home": ("faces:\n  yunet_file: ~nobody-here/x", ["3: faces.yunet_file: there is no home folder"]),
    "alias": ("mood: &m {}\ntracking: *m", ["3: `*m`: aliases are not supported"]),
    "tag": ("unit:\n  name: !!python/name:os.system x", ["3: tags are not supported"]),
    "key of a list": ("? [a]\n: 1", ["2: a key must be a word"]),
    "deep": ("a: " + "[" * 100 + "]" * 100, ["2: more than 5000 values or 20 levels"]),
    "many": ("a: [" + "1," * 6000 + "]", ["2: more than 5000 values"]),
    "tab": ("mqtt:\n\tport: 1", ["3: not valid YAML at column 1: a tab stands where only spaces may"]),
    "indentation": ("mqtt:\n  port: 1\n tls: yes", ["4: not valid YAML at column 2: the indentation does not fit"]),
    "two colons": ("unit:\n  name: a: b", ["3: not valid YAML at column 10: a `:` stands where none may"]),
    "open quote": ('unit:\n  name: "a\nmqtt: {}\n', ["3: not valid YAML at column 9: a quote is opened"]),
    "open brace": ("unit: {name: a\nmqtt: {}\n", ["not valid YAML", "a `{` or `[` is not closed"]),
    "two documents": ("---\na: 1", ["a second `---`"]),
    "control byte": ("unit:\n  name: a\x01b", ["3: holds the character U+0001; remove it"]),
    "impossible escape": ('unit:\n  name: "\\UFFFFFFFF"', ["not valid YAML"]),
}  # fmt: skip

WHOLE_FILES = {
    "empty": (b"", ["1: is empty; copy the shipped config/moodcast.yaml"]),
    "comments only": (b"# nothing\n", ["is empty"]),
    "no mapping": (b"- a\n", ["1: must begin with sections such as `camera:`"]),
    "word": (b"hello", ["must begin with sections"]),
    "not utf-8": (b"a: b\nc: \xe4\n", ["2: is not UTF-8 text"]),
    "utf-16": ("deployment: {context: home}".encode("utf-16"), ["1: is not UTF-8 text"]),
    "too large": (b"#" * 1_000_001, ["larger than 1 MB"]),
    "no deployment": (b"camera:\n  source: demo\n", ["1: deployment.context: is missing and must be one of retail"]),
    "no context": (b"unit: {}\ndeployment:\n", ["2: deployment.context: is missing"]),
    "context alone": (b"deployment: home\n", ["1: deployment: is a section"]),
    "odd context": (b"deployment: {context: homee}\n", ["1: deployment.context: ", "did you mean `home`?"]),
}  # fmt: skip


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "test.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems_of(path: Path, **overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides=overrides)
    return caught.value.problems


def test_names_five_mistakes_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, FIVE_MISTAKES)
    problems = problems_of(path)
    found = [problem.removeprefix(f"{path}:").split(": ")[:2] for problem in problems]
    assert found == [
        ["2", "deployment.context"],
        ["4", "camera.sorce"],
        ["5", "camera.width_px"],
        ["7", "mqtt.port"],
        ["8", "mqtt.protocol"],
    ]


@pytest.mark.parametrize("case", COMPLAINTS)
def test_complains(tmp_path: Path, case: str) -> None:
    text, expected = COMPLAINTS[case]
    path = write(tmp_path, HOME + text)
    problems = problems_of(path)
    said = "\n".join(problems)
    for words in expected:
        assert words in said
    assert all(problem.startswith(f"{path}:") for problem in problems)
    for leak in ("hunter2", "pw1", "pydantic", "validation", "Input should", "NoneType", "literal"):
        assert leak not in said


@pytest.mark.parametrize("case", WHOLE_FILES)
def test_complains_about_whole_files(tmp_path: Path, case: str) -> None:
    content, expected = WHOLE_FILES[case]
    problems = problems_of(write(tmp_path, content))
    assert len(problems) == 1
    for words in expected:
        assert words in problems[0]


@pytest.mark.parametrize("context", REFUSED_CONTEXTS)
def test_refuses_prohibited_places_with_the_reason(tmp_path: Path, context: str) -> None:
    (problem,) = problems_of(write(tmp_path, f"deployment:\n  context: {context}\n"))
    assert ":2: deployment.context: " in problem
    assert "refused" in problem
    assert "2024/1689" in problem


def test_says_what_to_do_without_a_file(tmp_path: Path) -> None:
    assert "no such file; copy" in problems_of(tmp_path / "none.yaml")[0]
    assert "is a folder" in problems_of(tmp_path)[0]
    assert "cannot be read" in problems_of(write(tmp_path, HOME) / "below")[0]


def test_accepts_what_installers_write(tmp_path: Path) -> None:
    text = """\
\ufeffdeployment: {context: "home"}
unit: {id: 0123, name: '12'}
mqtt:   # all defaults
camera:
  device: 0
  source: demo
  path: unused.mp4
  pipeline: >
    videotestsrc !
    videoconvert
  rotation_deg: 180
  rate_hz: 1e1
  mirror: off
  width_px: 640.0
"""
    config = load_config(write(tmp_path, text))
    assert (config.unit.id, config.unit.name, config.camera.device) == ("0123", "12", "0")
    assert config.camera.pipeline == "videotestsrc ! videoconvert"
    assert (config.camera.rotation_deg, config.camera.rate_hz, config.camera.mirror) == (180, 10.0, False)
    assert config.mqtt == Config.model_validate({"deployment": {"context": "home"}}).mqtt


def test_resolves_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    folder = tmp_path / "etc"
    folder.mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    text = HOME + "camera: {source: video, path: ../a.mp4}\nfaces: {yunet_file: ~/y.onnx}\nmqtt: {password_file: /p}\n"
    config = load_config(write(folder, text))
    assert (config.camera.path, config.faces.yunet_file) == (str(tmp_path / "a.mp4"), "/home/me/y.onnx")
    assert (config.mqtt.password_file, config.emotion.model) == ("/p", "emotion")
    config = load_config(folder / "test.yaml", overrides={"camera.path": "b.mp4", "emotion.model": "own.tflite"})
    assert config.camera.path == str(tmp_path / "cwd" / "b.mp4")
    assert config.emotion.model == str(tmp_path / "cwd" / "own.tflite")
    for address in ("rtsp://me:${PASS}@cam/1", "${CLIPS}/a.mp4"):
        assert load_config(folder / "test.yaml", overrides={"camera.path": address}).camera.path == address


def test_overrides_win_and_are_checked(tmp_path: Path) -> None:
    path = write(tmp_path, HOME + "mqtt: {port: 99999}\n")
    config = load_config(path, overrides={"mqtt.port": "1884", "unit.name": "on", "camera.region.x": "0"})
    assert (config.mqtt.port, config.unit.name) == (1884, "on")
    overrides = {"camera.sorce": "demo", "mqtt.port": "x", "camera": "demo", "daemon.log_level": "loud", "port": "1"}
    assert problems_of(path, **overrides) == [
        "--set: camera.sorce: unknown key; did you mean `source`?",
        "--set: camera: is a section: name a key of it, such as camera.source",
        "--set: port: unknown key; it belongs under `mqtt` or `kiosk` or `speaker`",
        '--set: mqtt.port: must be a whole number from 1 to 65535, not "x"',
        '--set: daemon.log_level: must be one of debug, info, warning, error, not "loud"',
    ]


def test_values_in_complaints_hide_secrets(tmp_path: Path) -> None:
    said = "\n".join(problems_of(write(tmp_path, HOME + "unit: {id: 'rtsp://me:hunter2@cam/'}\n")))
    assert "rtsp://***@cam/" in said


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_are_valid_and_commented(name: str) -> None:
    path = ROOT / "config" / name
    load_config(path)
    lines = path.read_text().splitlines()
    known = {key.rpartition(".")[2] for key in keys()}
    for before, line in itertools.pairwise(lines):
        key = line.strip().partition(":")[0]
        if line.startswith(" ") and key in known:
            assert before.strip().startswith("#"), f"{key} has no comment"


def test_default_file_holds_every_key_with_its_default() -> None:
    tree = yaml.safe_load((ROOT / "config" / "moodcast.yaml").read_text())
    for key in keys().values():
        value = tree
        for part in key.name.split("."):
            value = value[part]
        assert value == ("home" if key.required else key.default), key.name
    assert load_config(ROOT / "config" / "moodcast.yaml") == Config.model_validate({"deployment": {"context": "home"}})


def test_documents_are_up_to_date() -> None:
    tool = ROOT / "tools" / "make_config_docs.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_key_says_what_it_does() -> None:
    for key in keys().values():
        assert key.description.endswith("."), key.name
        assert key.allowed


def test_effective_values_can_be_read_again(tmp_path: Path) -> None:
    config = load_config(ROOT / "config" / "vehicle.yaml")
    assert load_config(write(tmp_path, effective_yaml(config))) == config


def test_effective_values_hide_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")
    (tmp_path / "secret").write_text("hunter3\n")
    text = HOME + "camera: {source: video, path: 'rtsp://me:hunter4@cam/1'}\nmqtt: {password_file: secret}\n"
    shown = effective_yaml(load_config(write(tmp_path, text)))
    assert "hunter" not in shown
    assert "rtsp://***@cam/1" in shown
    assert str(tmp_path / "secret") in shown


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://me:p@ss/w@cam:554/1", "rtsp://***@cam:554/1"),
        ("rtsp://cam/user=me_password=x_channel=1", "rtsp://cam/user=me_password=***"),
        ("http://cam/v?pwd=x&y=1", "http://cam/v?pwd=***&y=1"),
        ('rtspsrc location="rtsp://a:b@c/" user-pw="x y" ! x', 'rtspsrc location="rtsp://***@c/" user-pw=*** ! x'),
        ("/home/a@b.mp4", "/home/a@b.mp4"),
    ],
)  # fmt: skip
def test_masks_secrets(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


def test_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    path = write(tmp_path, HOME)
    assert password(load_config(path)) is None
    secret = tmp_path / "secret"
    config = load_config(path, overrides={"mqtt.password_file": str(secret)})
    with pytest.raises(ConfigError, match="no such file; write the password"):
        password(config)
    secret.write_bytes(b" p\xc3\xa4ss word \r\nsecond line\n")
    secret.chmod(0o600)
    with caplog.at_level(logging.WARNING):
        assert password(config) == " päss word "
        assert not caplog.text
        secret.chmod(0o644)
        password(config)
        assert "chmod 600" in caplog.text
        assert "ss word" not in caplog.text
    for content, words in ((b"\nx", "first line is empty"), (b"\xff\n", "not UTF-8")):
        secret.write_bytes(content)
        with pytest.raises(ConfigError, match=words):
            password(config)
    monkeypatch.setenv(PASSWORD_VARIABLE, "from the environment")
    assert password(config) == "from the environment"


def test_check_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, HOME)
    assert check_config(path) == 0
    assert capsys.readouterr().out == f"{path}: ok\n"
    path = write(tmp_path, FIVE_MISTAKES)
    assert check_config(path) == 78
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 5
    assert said.out == ""
    assert check_config(write(tmp_path, HOME + "mqtt: {password_file: none}")) == 0
    assert "does not exist here" in capsys.readouterr().err


def test_show_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_config(None) == 0
    assert yaml.safe_load(capsys.readouterr().out)["deployment"]["context"] == "home"
    assert show_config(tmp_path / "none.yaml") == 78


@pytest.mark.parametrize("name", SHIPPED)
def test_schema_fits_the_shipped_files(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_schema() == 0
    schema = yaml.safe_load(capsys.readouterr().out)
    jsonschema.validate(yaml.safe_load((ROOT / "config" / name).read_text()), schema)


SYNTAX = [
    *"{}[]\"'\\#|>~1-\t\n ",
    "\n  ",
    "- ",
    "? ",
    ": ",
    "&a ",
    "*a",
    "!!float ",
    "!x ",
    "<<",
    "---",
    "...",
    ".5",
    "e9",
]
FRAGMENTS = st.sampled_from(
    [HOME, "camera:", "source:", "on", "ten", "%YAML 1.1\n", *SYNTAX] + [k.replace(".", ":\n  ") + ": " for k in keys()]
)


def problems_or_none(path: Path, overrides: dict[str, str]) -> list[str]:
    """Anything but a Config or a ConfigError ends the test."""
    try:
        load_config(path, overrides=overrides)
    except ConfigError as error:
        return error.problems or [""]
    return []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.lists(FRAGMENTS, max_size=30).map("".join)).map(str.encode) | st.binary())
@example(text=b'"\\UFFFFFFFF"')
@example(text=b"%YAML 99999999999999999999999.1\n--- a")
@example(text=b"%TAG ! tag:x\n---\na: !b c")
@example(text=b"? ? ? a\n: - b")
@example(text=b"deployment: {context: home}\nmqtt: {port: " + b"9" * 5000 + b"}")
def test_any_bytes_give_a_config_or_a_config_error(tmp_path: Path, text: bytes) -> None:
    path = write(tmp_path, text)
    for problem in problems_or_none(path, {}):
        assert problem.startswith(f"{path}:")
        assert problem.isprintable()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(keys())) | st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_any_override_gives_a_config_or_a_config_error(tmp_path: Path, overrides: dict[str, str]) -> None:
    path = write(tmp_path, HOME)
    assert all(problem.startswith("--set: ") for problem in problems_or_none(path, overrides))
