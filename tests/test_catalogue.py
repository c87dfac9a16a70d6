"""The catalogue: what is shipped, and every way in which a file can be wrong."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
import yaml

from edge.catalogue import LoadedCatalogue, load_catalogue
from edge.core.suggestion import KINDS

SHIPPED = Path(__file__).resolve().parent.parent / "config" / "catalogue.yaml"
GOOD = "{id: good, kind: place, title: A park, valence: 0.5, energy: 0}"


def load(tmp_path: Path, text: str | bytes, **other: Path) -> LoadedCatalogue:
    path = tmp_path / "c.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_catalogue([path], cache_dir=other.get("cache_dir"))


def problems(found: LoadedCatalogue, tmp_path: Path) -> list[str]:
    return [line.replace(f"{tmp_path}/", "") for line in found.problems]


def test_shipped_catalogue_is_large_varied_and_without_mistakes() -> None:
    found = load_catalogue([SHIPPED], cache_dir=None)
    assert found.problems == []
    assert len(found.items) >= 170
    for kind in KINDS:
        assert sum(item.kind == kind for item in found.items) >= 20
    made = [item for item in found.items if item.kind in ("music", "film", "book")]
    assert len({item.language for item in made}) >= 20
    assert len({item.year // 10 for item in made if item.year is not None and item.year >= 1900}) == 13
    for column in ("valence", "energy"):
        assert len({round(getattr(item, column), 1) for item in found.items}) >= 10
    assert any(item.language == "de" and item.text for item in found.items)


def test_all_keys_are_read(tmp_path: Path) -> None:
    text = """items:
  - id: everything
    kind: music
    title: 1984
    creator: "  Nobody   at all "
    year: 1999
    uri: mpd:nobody/title
    file: albums/one/title.flac
    language: no
    minutes: 3.5
    valence: -0.25
    energy: +.5
    genre: hip-hop
    tags: [slow, new-wave]
    hours: [6-11, 22-2]
    minimum_age: 6
    image: covers/one.PNG
    text:
"""
    found = load(tmp_path, text)
    assert found.problems == []
    item = found.items[0]
    assert (item.title, item.creator, item.year, item.language) == ("1984", "Nobody at all", 1999, "no")
    assert (item.uri, item.file, item.minutes) == ("mpd:nobody/title", "albums/one/title.flac", 3.5)
    assert (item.valence, item.energy, item.genre, item.tags) == (-0.25, 0.5, "hip-hop", ("slow", "new-wave"))
    assert item.hours == (0, 1, 6, 7, 8, 9, 10, 22, 23)
    assert (item.minimum_age, item.image, item.text) == (6, str(tmp_path / "covers" / "one.PNG"), "")


# key: value that is wrong -> what the message holds
WRONG = [
    ("valence: 1.7", "valence is '1.7', allowed: a number from -1 (dark) to 1 (bright)"),
    ("valence: .nan", "valence is '.nan', allowed: a number"),
    ("energy: high", "energy is 'high', allowed: a number from -1 (calm)"),
    ("energy: 1e99999", "energy is '1e99999'"),
    ("kind: song", "kind is 'song', allowed: one of music, film, book"),
    ("id: Not An Id", "id is 'Not An Id', allowed: up to 80 of a-z"),
    ("title: [a, b]", "title is a list or a group of keys, allowed: 1 to 120"),
    ('title: "a\\0b"', "title is 'a\\x00b' holds control characters"),
    ('title: "a\\u202eb"', "holds control characters"),
    (f"title: {'x' * 121}", "title is 121 characters long"),
    ("year: 1999.5", "year is '1999.5', allowed: a whole number"),
    ("uri: 'javascript:alert(1)'", "uri is 'javascript:alert(1)'"),
    ("file: ../../etc/passwd", "file is '../../etc/passwd'"),
    ("image: /etc/passwd.png", "image is '/etc/passwd.png'"),
    ("image: http://example.org/a.png", "image is 'http://example.org/a.png'"),
    ("image: notes.txt", "image is 'notes.txt'"),
    ("hours: [25-3]", "hours is '25-3', allowed: from-until in hours"),
    ("hours: [7]", "hours is '7'"),
    ("tags: [ok, Not OK]", "tags is 'Not OK'"),
    ("tags: [[deep]]", "tags is a list or a group of keys"),
    ("minimum_age: 99", "minimum_age is '99', allowed: a whole number from 0 to 21"),
    ("minutes: 0", "minutes is '0'"),
    ("language: English", "language is 'English', allowed: an ISO 639 code"),
    ("valance: 0.5", "'valance' is not known"),
    ("valance: 0.5", "did you mean `valence`"),
    ("? [1]\n    : 2", "a key that is not a word is not known"),
]


@pytest.mark.parametrize(("line", "message"), WRONG, ids=lambda value: value[:30])
def test_mistake_is_named_with_its_line_and_the_rest_is_used(tmp_path: Path, line: str, message: str) -> None:
    keys = {"id": "bad", "kind": "place", "title": "A place", "valence": "0.5", "energy": "0"}
    keys.pop(line.partition(":")[0], None)
    rest = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    found = load(tmp_path, f"items:\n  - {GOOD}\n  -\n    {line}\n{rest}")
    assert [item.id for item in found.items] == ["good"]
    told = problems(found, tmp_path)
    assert len(told) == 1
    assert told[0].startswith("c.yaml:4: ")
    assert message in told[0]
    assert "allowed: " in told[0]


def test_all_mistakes_of_an_item_are_named_at_once(tmp_path: Path) -> None:
    found = load(tmp_path, "items:\n  - {id: x, kind: music, valence: 7,\n     energy: 9, energy: 1}\n")
    assert problems(found, tmp_path) == [
        "c.yaml:2: x: valence is '7', allowed: a number from -1 (dark) to 1 (bright)",
        "c.yaml:3: x: energy is '9', allowed: a number from -1 (calm) to 1 (driving)",
        "c.yaml:3: x: energy stands twice, allowed: each key once",
        "c.yaml:2: x: title is missing, allowed: 1 to 120 characters",
        "c.yaml:2: x: creator is missing, allowed: up to 120 characters",
        "c.yaml:2: x: genre is missing, allowed: one word or more with hyphens, such as `jazz` or `hip-hop`",
    ]
    assert found.items == ()


def test_double_id_keeps_the_first_and_names_both_lines(tmp_path: Path) -> None:
    found = load(tmp_path, f"items:\n  - {GOOD}\n  - {GOOD.replace('A park', 'Another')}\n")
    assert [item.title for item in found.items] == ["A park"]
    assert problems(found, tmp_path) == ["c.yaml:3: good: the id stands already at c.yaml:2, allowed: each id once"]


def test_double_id_in_another_file(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text(f"items:\n  - {GOOD}\n")
    found = load_catalogue([tmp_path], cache_dir=None)
    assert len(found.items) == 1
    assert "b.yml:2: good: the id stands already at" in found.problems[0]
    assert "a.yaml:2" in found.problems[0]


# content of a file that is no catalogue -> what is said, and how many items are used
BROKEN = [
    (b"", "1: not a catalogue", 0),
    (b"just words", "1: not a catalogue, allowed: `items:`", 0),
    (b"- a\n- b\n", "1: not a catalogue", 0),
    (b"items: 5\n", "1: items: not a list", 0),
    (b"things: []\n", "1: 'things' is not known, allowed: `items`", 0),
    (b"items:\n  - word\n", "2: item 1: not an item", 0),
    (f"items:\n  - {GOOD}\n  - id: [\n".encode(), "not valid YAML", 1),
    (f"items:\n  - {GOOD}\n  - {{id: b, kind: place\n---\n".encode(), "not valid YAML", 1),
    (f"items:\n  - {GOOD}\n---\nitems: []\n".encode(), "3: a second document begins", 1),
    (b"items:\n  - {id: caf\xe9}\n", "2: byte 0xe9 is not UTF-8; save the file as UTF-8", 0),
    (f"items:\n  - {GOOD}\n".encode("utf-16"), "1: byte 0xff is not UTF-8", 0),
    (b"items:\n  - {id: a\x00b}\n", "not valid YAML", 0),
    (b"[" * 1_000_000, "nested deeper than 5 levels", 0),
    (b"items: " + b"{a: " * 100_000, "nested deeper than 5 levels", 0),
    (f"items:\n  - &a {GOOD}\n  - *a\n".encode(), "3: item 2: an alias (`*name`), allowed", 1),
    (f"items:\n  - {GOOD}\n  - &a [*a, *a]\n".encode(), "3: item 2: not an item", 1),
    (f"items: &i\n  - {GOOD}\n  - <<: *i\n".encode(), "3: item 2: '<<' is not known", 1),
    (b"items: *nothing\n", "1: items: not a list", 0),
]


@pytest.mark.parametrize(("content", "message", "used"), BROKEN, ids=lambda value: str(value)[:25])
def test_broken_file_is_named_and_read_as_far_as_it_goes(
    tmp_path: Path, content: bytes, message: str, used: int
) -> None:
    found = load(tmp_path, content)
    assert len(found.items) == used
    assert any(message in line for line in problems(found, tmp_path)), found.problems


def test_an_endless_alias_costs_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    begin = time.monotonic()
    found = load(tmp_path, "\n".join(lines) + f"\nitems:\n  - {GOOD}\n  - {{id: b, kind: place, title: *a39}}\n")
    assert time.monotonic() - begin < 2.0
    assert [item.id for item in found.items] == ["good"]
    assert any("b: title is an alias (`*name`), allowed: the value written out" in line for line in found.problems)


def test_a_file_of_100_mb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    begin = time.monotonic()
    found = load_catalogue([path, SHIPPED], cache_dir=None)
    assert time.monotonic() - begin < 3.0
    assert found.problems == [f"{path}: 100 MB, allowed: at most 8 MiB; split it"]
    assert len(found.items) >= 170


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    found = load_catalogue([tmp_path / "none.yaml", tmp_path / "pipe", tmp_path / "empty", SHIPPED], cache_dir=None)
    told = problems(found, tmp_path)
    assert told[0].startswith("none.yaml: no such file")
    assert told[1] == "pipe: not a file that holds text"
    assert told[2].startswith("empty: no catalogue in this folder")
    assert len(found.items) >= 170


def test_problems_are_counted_beyond_a_hundred(tmp_path: Path) -> None:
    found = load(tmp_path, "items:\n" + "  - word\n" * 5000)
    assert len(found.problems) == 101
    assert found.problems[-1].endswith("4900 more mistakes, not listed")


def test_cache_gives_the_same_and_is_keyed_by_content(tmp_path: Path) -> None:
    cache_dir = tmp_path / "cache"
    text = f"items:\n  - {GOOD}\n  - {{id: bad, kind: song}}\n"
    first = load(tmp_path, text, cache_dir=cache_dir)
    assert load(tmp_path, text, cache_dir=cache_dir) == first
    assert load(tmp_path, text) == first
    shipped = load_catalogue([SHIPPED], cache_dir=cache_dir)
    assert load_catalogue([SHIPPED], cache_dir=cache_dir) == shipped
    changed = load(tmp_path, text.replace("A park", "A pond"), cache_dir=cache_dir)
    assert changed.sha256 != first.sha256
    assert changed.items[0].title == "A pond"
    assert len(list(cache_dir.iterdir())) == 1


def test_cache_is_really_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_catalogue([SHIPPED], cache_dir=tmp_path)
    monkeypatch.setattr("edge.catalogue.tree.read_tree", None)
    assert load_catalogue([SHIPPED], cache_dir=tmp_path) == first


@pytest.mark.parametrize("damage", ["empty", "torn", "edited", "rubbish", "folder", "rows"])
def test_a_corrupt_cache_is_ignored_and_rewritten(tmp_path: Path, damage: str) -> None:
    first = load_catalogue([SHIPPED], cache_dir=tmp_path)
    path = next(tmp_path.iterdir())
    good = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        bad = {"empty": b"", "torn": good[:-500], "edited": good.replace(b"Queen", b"Kween"), "rubbish": b"\xff\n{"}
        head = good.partition(b"\n")[0]
        rows = json.dumps({"items": [[1]], "problems": []}).encode()
        path.write_bytes(bad.get(damage, head + b"\n" + rows))
    assert load_catalogue([SHIPPED], cache_dir=tmp_path) == first
    if damage != "folder":
        assert path.read_bytes() == good


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert load_catalogue([SHIPPED], cache_dir=blocked / "cache").problems == []


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_no_damage_to_a_file_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: str) -> None:
    monkeypatch.setattr("edge.catalogue.tree._LOADER", getattr(yaml, loader, yaml.SafeLoader))
    chance, source = random.Random(3), SHIPPED.read_bytes()
    pieces = [
        b"\n---\n",
        b"&a ",
        b"*a",
        b"!!python/object:os.system ",
        b"? ",
        b'"\\uD800"',
        b"\x00",
        b"\xff",
        b"{[",
        b"\t",
        b"<<: ",
    ]
    for _ in range(40):
        begin = source.index(b"\n  - ", chance.randrange(len(source) - 4000))
        text = bytearray(b"items:" + source[begin : begin + 2000])
        for _ in range(chance.randrange(1, 8)):
            position = chance.randrange(len(text))
            text[position : position + chance.randrange(6)] = chance.choice(pieces)
        first = load(tmp_path, bytes(text), cache_dir=tmp_path / "cache")
        assert first.problems
        assert load(tmp_path, bytes(text), cache_dir=tmp_path / "cache") == first
