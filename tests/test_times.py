"""The table of times: an installer's own, with every mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.times import default_times_yaml, read_times
from edge.core.policy import DEFAULT_TIME_RULES, TimeRule
from edge.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "times.yaml"
    path.write_text(text)
    return path


def test_the_shipped_table_is_that_of_the_defaults(tmp_path: Path) -> None:
    assert read_times(write(tmp_path, default_times_yaml())) == DEFAULT_TIME_RULES


def test_own_rows(tmp_path: Path) -> None:
    text = "rules:\n- {kind: film, from_hour: 18, until_hour: 2, weekdays: [fri, sat], bias: 0.5}\n"
    text += "- {kind: any, from_hour: 0, until_hour: 24}\n"
    assert read_times(write(tmp_path, text)) == (TimeRule("film", 18, 2, (4, 5), 0.5), TimeRule("any", 0, 24))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{kind: song, from_hour: 1, until_hour: 2}", "times.yaml:2: kind: must be one of any, music"),
        ("{kind: music, from_hour: 25, until_hour: 2}", "from_hour: must be a whole number from 0 to 23, not '25'"),
        ("{kind: music, from_hour: 1.5, until_hour: 2}", "whole number"),
        ("{kind: music, from_hour: 1, until_hour: 2, bias: loud}", "bias: must be a number from -1 to 1, not 'loud'"),
        ("{kind: music, from_hour: 1, until_hour: 2, wekdays: weekend}", "did you mean `weekdays`"),
        ("{kind: music, from_hour: 1, until_hour: 2, weekdays: [monday]}", "not monday"),
        ("{kind: music, from_hour: 1}", "until_hour: is missing"),
        ("music", "group of keys"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_times(write(tmp_path, f"rules:\n- {row}\n- {{kind: cake, from_hour: 1, until_hour: 2}}\n"))
    assert words in str(error.value)
    assert "times.yaml:3: kind:" in str(error.value), "every mistake at once"


def test_a_file_without_rules_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a list `rules`"):
        read_times(write(tmp_path, "times: []\n"))
    with pytest.raises(ConfigError, match="no such file"):
        read_times(tmp_path / "none.yaml")
