"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

# A busy machine makes any example slow: no test asserts a time.
hypothesis.settings.register_profile("moodcast", deadline=None)
hypothesis.settings.load_profile("moodcast")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of research data beside the checkout; a stranger does not have it."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("needs the research data in ../shared/data, which is not here")
    return folder


@pytest.fixture(scope="session")
def yunet_file() -> Path:
    """The YuNet face detector, not ours to ship."""
    path = SHARED / "peers" / "yunet_n_640.onnx"
    if not path.is_file():
        pytest.skip("needs ../shared/peers/yunet_n_640.onnx, which is not here")
    return path
