"""A model whose hash, shape or labels do not fit its card is refused by name."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from edge.data import EMOTIONS
from edge.errors import EXIT_CONFIG, ModelError
from edge.vision import runtime
from edge.vision.model import load_emotion_model, read_card
from edge.vision.runtime import RUNTIMES, load_network, load_runtime

MODELS = Path(__file__).resolve().parent.parent / "models"


@pytest.fixture
def model(tmp_path):
    """A copy of the shipped model that a test may spoil."""
    for suffix in (".tflite", ".yaml"):
        shutil.copy(MODELS / f"emotion{suffix}", tmp_path / f"emotion{suffix}")
    return tmp_path / "emotion.tflite"


def change(model: Path, **fields) -> None:
    """Overwrite fields of the card; ``a__b`` is b inside a; None removes."""
    path = model.with_suffix(".yaml")
    card = yaml.safe_load(path.read_text())
    for name, value in fields.items():
        *parents, last = name.split("__")
        place = card
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(yaml.safe_dump(card))


def refusal(model: Path) -> str:
    """The message with which ``model`` is refused; it must name a file of the model."""
    with pytest.raises(ModelError) as caught:
        load_emotion_model(model)
    assert caught.value.exit_status == EXIT_CONFIG
    assert str(model.parent / model.stem) in str(caught.value)
    return str(caught.value)


def test_shipped_model_fits_its_card(model):
    loaded = load_emotion_model(model)
    assert loaded.network.input.shape == (1, 48, 48, 1)
    assert loaded.network.input.dtype == loaded.network.output.dtype == "int8"
    assert loaded.network.output.shape == (1, len(EMOTIONS) + loaded.card.has_usable)


def test_shipped_model_is_small_enough():
    assert (MODELS / "emotion.tflite").stat().st_size < 1_200_000


def test_wrong_hash(model):
    with model.open("ab") as file:
        file.write(b"x")
    message = refusal(model)
    assert "sha256: expected" in message
    assert hashlib.sha256(model.read_bytes()).hexdigest() in message
    assert "copy both files again" in message


def test_missing_card(model):
    model.with_suffix(".yaml").unlink()
    assert "no such card" in refusal(model)


def test_missing_network(model):
    model.unlink()
    assert "cannot be read" in refusal(model)


@pytest.mark.parametrize("text", ["labels: [angry", "\tlabels: angry", "\x00", "name: \xff"])
def test_broken_card(model, text):
    model.with_suffix(".yaml").write_bytes(text.encode("latin-1"))
    assert "the card cannot be read" in refusal(model)


@pytest.mark.parametrize(("text", "kind"), [("", "NoneType"), ("- a\n- b\n", "list"), ("42", "int")])
def test_card_that_is_no_mapping(model, text, kind):
    model.with_suffix(".yaml").write_text(text)
    assert f"found {kind}" in refusal(model)


def test_wrong_label_order(model):
    change(model, labels=["neutral", *EMOTIONS[:-1]])
    message = refusal(model)
    assert "labels: expected [angry, disgust" in message
    assert "found [neutral, angry" in message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"input__shape": [1, 64, 64, 1]}, ["expected int8 [1, 64, 64, 1]", "found int8 [1, 48, 48, 1]"]),
        ({"input__shape": [1, 48, 48, 3]}, ["input.shape: expected [1, side, side, 1]", "[1, 48, 48, 3]"]),
        ({"input__shape": [48, 48]}, ["input.shape: expected [1, side, side, 1]", "[48, 48]"]),
        (
            {"output__shape": [1, 9], "output__content": "logits"},
            ["output.shape: expected [1, 7], one number for each label (output.content: logits)", "[1, 9]"],
        ),
        (
            {"output__shape": [1, 7], "output__content": "logits and usable"},
            ["output.shape: expected [1, 8], one number for each label and the usable logit", "[1, 7]"],
        ),
        ({"output__content": "classes"}, ["output.content: expected one of logits, logits and usable, probabilities"]),
        ({"output__content": 7}, ["output.content: expected one of logits", "probabilities, found 7"]),
        ({"input__shape": "48x48"}, ["input.shape: expected a list of whole numbers", "'48x48'"]),
        ({"input__shape": [1, 48.5, 48, 1]}, ["input.shape: expected a list of whole numbers"]),
        ({"input__dtype": "float32"}, ["expected float32 [1, 48, 48, 1]", "found int8"]),
        ({"output__dtype": "uint8"}, ["output.dtype: expected int8 or float32, found uint8"]),
        ({"input__zero_point": 3}, ["zero point 3", "zero point 0"]),
        ({"output__scale": 0.5}, ["output: expected int8 [1, ", "], scale 0.5"]),
        ({"output__scale": -0.5}, ["output.scale: expected a number above 0, found -0.5"]),
    ],
)
def test_wrong_tensor(model, fields, expected):
    change(model, **fields)
    message = refusal(model)
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("temperature", 0, "temperature: expected a number above 0, found 0"),
        ("temperature", "warm", "temperature: expected a number, found 'warm'"),
        ("temperature", None, "temperature: expected a number, found nothing"),
        ("temperature", float("nan"), "temperature: expected a number above 0, found nan"),
        ("sha256", 12, "sha256: expected 64 hexadecimal digits, found 12"),
        ("labels", None, "labels: expected a list, found nothing"),
        ("task", "timing-yardstick", "task: expected facial-emotion, found timing-yardstick"),
        ("prior__power", True, "prior.power: expected a number, found True"),
        ("prior__values", [0.5, 0.5], "prior.values: expected 7 numbers above 0, found [0.5, 0.5]"),
        ("prior__values", [0, 1, 1, 1, 1, 1, 1], "prior.values: expected 7 numbers above 0"),
        ("prior__ceiling", 0, "prior.ceiling: expected a number above 0, found 0"),
        ("prior__ceiling", "low", "prior.ceiling: expected a number, found 'low'"),
        ("prior", 3, "prior.power: expected a number, found nothing"),
        ("input__normalisation", None, "input.normalisation.subtract: expected a number, found nothing"),
        ("input__normalisation__divide", 0.0, "input.normalisation.divide: expected a number above 0"),
    ],
)
def test_wrong_field(model, field, value, expected):
    change(model, **{field: value})
    assert expected in refusal(model)


def test_the_yardstick_is_not_taken_for_a_model():
    with pytest.raises(ModelError, match="timing-yardstick"):
        read_card(MODELS / "yardstick.yaml")


@pytest.mark.parametrize("kept", [0, 10, 5_000, 0.5, 0.999])
def test_truncated_network(model, kept):
    content = model.read_bytes()
    model.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    assert "sha256: expected" in refusal(model)
    if load_runtime().__name__.startswith("tflite_runtime"):
        pytest.skip("tflite-runtime crashes on truncated files: only the hash stands before it")
    change(model, sha256=hashlib.sha256(model.read_bytes()).hexdigest())
    assert "cannot load it" in refusal(model)


def test_float_network_runs_in_float():
    network = load_network(MODELS / "yardstick.tflite", threads=2)
    assert network.input.dtype == "float32"
    assert network.input.scale == 0.0
    answer = network.run(np.zeros(network.input.shape, np.float32))
    assert answer.shape == (1, 7)
    assert answer.sum() == pytest.approx(1.0, abs=1e-5)


def test_answers_are_not_overwritten_by_the_next_pass(model):
    network = load_network(model)
    first = network.run(np.full((1, 48, 48, 1), -100, np.int8))
    kept = first.copy()
    network.run(np.full((1, 48, 48, 1), 100, np.int8))
    assert np.array_equal(first, kept)


def test_one_of_the_listed_runtimes_is_taken():
    assert load_runtime().__name__ in RUNTIMES


def test_no_runtime_installed(monkeypatch, model):
    monkeypatch.setattr(runtime, "RUNTIMES", ("no_such_runtime.interpreter", "nor_this.interpreter"))
    with pytest.raises(ModelError, match="pip install ai-edge-litert") as caught:
        load_network(model)
    assert "no_such_runtime: No module named" in str(caught.value)
    assert "nor_this: " in str(caught.value)


def test_second_runtime_is_tried(monkeypatch):
    monkeypatch.setattr(runtime, "RUNTIMES", ("no_such_runtime.interpreter", load_runtime().__name__))
    assert load_runtime().__name__ in RUNTIMES


def test_runtime_whose_library_does_not_load_is_named(monkeypatch, tmp_path, model):
    (tmp_path / "half_installed.py").write_text("raise OSError('libtflite.so: GLIBC_2.34 not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(runtime, "RUNTIMES", ("half_installed",))
    monkeypatch.setattr(runtime.platform, "libc_ver", lambda: ("glibc", "2.31"))
    with pytest.raises(ModelError, match=r"GLIBC_2\.34 not found") as caught:
        load_network(model)
    assert "This system has glibc 2.31; ai-edge-litert needs 2.34" in str(caught.value)


@pytest.mark.parametrize("libc", [("glibc", "2.34"), ("glibc", "2.36"), ("", ""), ("glibc", "unknown")])
def test_newer_or_unknown_libc_is_not_blamed(monkeypatch, libc, model):
    monkeypatch.setattr(runtime, "RUNTIMES", ())
    monkeypatch.setattr(runtime.platform, "libc_ver", lambda: libc)
    with pytest.raises(ModelError) as caught:
        load_network(model)
    assert "needs 2.34" not in str(caught.value)


def test_network_with_two_outputs_is_refused():
    class TwoOutputs:
        def allocate_tensors(self):
            pass

        def get_input_details(self):
            return [{}]

        def get_output_details(self):
            return [{}, {}]

    with pytest.raises(ValueError, match="expected one input and one output, found 1 and 2"):
        runtime.InterpreterNetwork(TwoOutputs())
