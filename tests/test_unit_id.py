"""The unit's id: different for different boards, the same after a restart, and no serial number in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge import unit_id
from edge.unit_id import MACHINE_ID, SERIAL, client_id, derive_unit_id, read_source

CARD = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_id, "ROUNDS", 10)


def derive(serial: str | None, machine: str | None, fallback: str = "f") -> str:
    return derive_unit_id(fallback=fallback, read=lambda path: {SERIAL: serial, MACHINE_ID: machine}[path])


def test_looks_like_a_unit_id() -> None:
    assert re.fullmatch(r"moodcast-[0-9a-f]{8}", derive("100000003d1d1c36", CARD))


def test_same_device_same_id() -> None:
    assert derive("100000003d1d1c36", CARD) == derive("100000003d1d1c36", CARD)


def test_cloned_cards_differ() -> None:
    assert derive("100000003d1d1c36", CARD) != derive("100000003d1d1c37", CARD)


def test_a_new_card_keeps_the_boards_id() -> None:
    assert derive("100000003d1d1c36", CARD) == derive("100000003d1d1c36", CARD[::-1])


def test_machine_id_without_a_serial_number() -> None:
    assert derive(None, CARD) == derive(None, CARD, fallback="other")
    assert derive(None, CARD) != derive(None, CARD[::-1])


def test_random_fallback_last() -> None:
    assert derive(None, None, "a") == derive(None, None, "a")
    assert derive(None, None, "a") != derive(None, None, "b")


def test_kind_of_source_counts() -> None:
    assert len({derive(CARD, None), derive(None, CARD), derive(None, None, CARD)}) == 3


def test_serial_number_cannot_be_read_back() -> None:
    serial = "100000003d1d1c36"
    unit = derive(serial, CARD)
    assert not any(serial[i : i + 5] in unit for i in range(len(serial) - 4))
    # 32 bits are told of a slow salted hash.
    assert len(unit.removeprefix("moodcast-")) == 8


def test_hashing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert unit_id.ROUNDS >= 100_000
    assert derive_unit_id(fallback="x", read=lambda _: None).startswith("moodcast-")


@pytest.mark.parametrize("content", [b"100000003d1d1c36\0", b"100000003d1d1c36\n"])
def test_reads_the_device_tree(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "serial-number"
    path.write_bytes(content)
    assert read_source(path) == "100000003d1d1c36"


@pytest.mark.parametrize("content", [b"", b"\0", b"0000000000000000\0", b"\n", None])
def test_a_serial_number_that_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "serial-number"
    if content is not None:
        path.write_bytes(content)
    assert read_source(path) is None


def test_client_id() -> None:
    assert client_id("sense", "moodcast-7f3a9c21") == "moodcast-sense-7f3a9c21"
    assert client_id("sense", "kiosk-1") == "moodcast-sense-kiosk-1"
    assert client_id("sense", "kiosk-1") != client_id("companion", "kiosk-1")
