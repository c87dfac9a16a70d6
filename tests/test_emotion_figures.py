"""`tools/emotion_figures.py`: every figure with its command in the card, and the rest of the card as it was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from edge.data import EMOTIONS
from tests.small_network import write_network
from tests.test_evaluate import votes, write_photos, write_votes
from tests.test_robustness import write_scene

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import emotion_figures  # noqa: E402


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for name in ("ferplus", "faces", "scenes_valid"):
        (folder / name).mkdir(parents=True)
    write_votes(folder / "ferplus", [(emotion, votes(happiness=10), emotion) for emotion in EMOTIONS])
    # By their hash, these two are held out and trained on.
    write_photos(folder / "faces", [("happy", "happy", name) for name in ("person_1", "person_2", "person_3", "d")])
    write_scene(folder / "scenes_valid")
    return folder


def figures(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["emotion_figures.py", *(str(word) for word in words)])
    monkeypatch.setattr(emotion_figures, "_TURNS", 2)
    monkeypatch.chdir(ROOT)
    emotion_figures.main()


def test_the_card_gets_every_figure_with_its_command(tmp_path: Path, data: Path, monkeypatch) -> None:
    model, twin = write_network(tmp_path / "small.tflite"), write_network(tmp_path / "twin.tflite")
    twin.with_suffix(".yaml").unlink()
    card = model.with_suffix(".yaml")
    old = {"int8": {"gone": 1}, "float": {"stale": 1}, "ablation": {"kept": 1}}
    card.write_text(
        "# Head of the card.\n# Second line.\n" + yaml.safe_dump(yaml.safe_load(card.read_text()) | {"figures": old})
    )
    before = yaml.safe_load(card.read_text())
    figures(monkeypatch, "--data", data, "--model", model, "--float", twin)
    text = card.read_text()
    assert text.startswith("# Head of the card.\n# Second line.\n")
    after = yaml.safe_load(text)
    found = after.pop("figures")
    assert after == {key: value for key, value in before.items() if key != "figures"}
    assert found["ablation"] == {"kept": 1}
    assert "gone" not in found["int8"]
    for part in ("int8", "float", "robustness"):
        assert set(found[part]) == {"ferplus_valid", "faces_held_out"}, part
        for figure in found[part].values():
            assert figure["command"].startswith("moodcast evaluate ")
    assert set(found["usable"]) == {"ferplus_valid", "faces_held_out", "scenes_valid"}
    assert found["difference_points"]["ferplus_valid"]["ferplus_all"] == 0.0
    assert found["int8"]["ferplus_valid"]["selective"].keys() >= {"coverage_0.8"}
    assert found["time"]["time_ratio"] > 0.0
    assert str(tmp_path / "twin") not in text, "no path of this machine"


def test_a_rehearsal_reads_training_data_and_writes_nothing(tmp_path: Path, data: Path, monkeypatch, capsys) -> None:
    write_votes(data / "ferplus", [("happy", votes(happiness=10), "")] * 3, name="train")
    model = write_network(tmp_path / "small.tflite", usable=False)
    before = model.with_suffix(".yaml").read_bytes()
    figures(monkeypatch, "--data", data, "--model", model, "--rehearse")
    assert model.with_suffix(".yaml").read_bytes() == before
    printed = yaml.safe_load(capsys.readouterr().out)
    assert set(printed["int8"]) == {"ferplus_train", "faces_training"}
    assert "usable" not in printed, "this network has no such score"


def test_the_time_on_another_processor_stands_beside_the_first(tmp_path: Path, monkeypatch) -> None:
    model = write_network(tmp_path / "small.tflite")
    card = model.with_suffix(".yaml")
    first = {"processor": "another one", "time_ratio": 2.0, "ms": 0.4, "yardstick_ms": 0.2}
    fields = yaml.safe_load(card.read_text()) | {"figures": {"time": first, "int8": {"kept": 1}}}
    card.write_text("# Head of the card.\n" + yaml.safe_dump(fields))
    for _ in range(2):  # measured again, it is replaced
        figures(monkeypatch, "--model", model, "--time-elsewhere")
    text = card.read_text()
    assert text.startswith("# Head of the card.\n")
    found = yaml.safe_load(text)["figures"]
    assert (found["time"], found["int8"]) == (first, {"kept": 1})
    (row,) = found["time_elsewhere"]
    assert row["processor"] != "another one"
    assert row["time_ratio"] > 0.0
    card.write_text(yaml.safe_dump(fields | {"figures": {"time": row}}))
    with pytest.raises(SystemExit, match="of this processor"):
        figures(monkeypatch, "--model", model, "--time-elsewhere")


def test_nothing_to_measure_is_said(tmp_path: Path, monkeypatch) -> None:
    model = write_network(tmp_path / "small.tflite")
    with pytest.raises(SystemExit, match="holds neither"):
        figures(monkeypatch, "--data", tmp_path / "nowhere", "--model", model)


def test_mistakes_that_come_often_are_named() -> None:
    row = {"angry": 80, "disgust": 5, "fear": 0, "happy": 4, "sad": 11}
    assert emotion_figures.mistakes("angry", row) == {"sad": 0.11, "disgust": 0.05}
