"""Changes keys of moodcast.yaml in place, comments kept: ``settings.py FILE [section.key=value...]``.

An upgrade calls it without keys: keys that a newer version calls otherwise are renamed (``MOVED``).
``settings.py FILE --get section.key`` prints a value, and an empty line where the file does not set it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

MOVED: Mapping[str, str] = {}
"""Old name -> new name of keys, ``section.key`` each, within one section. None has moved so far."""


def put(text: str, name: str, value: str) -> str:
    """``text`` with ``section.key`` set to ``value`` (as YAML); key and section are added where missing."""
    section, key = name.split(".")
    start, end = _section(text, section)
    if start < 0:
        return f"{text.rstrip()}\n\n{section}:\n  {key}: {value}\n"
    body = text[start:end]
    line = re.compile(rf"^  {re.escape(key)}:[^\n]*$", re.MULTILINE)
    body, found = line.subn(lambda _: f"  {key}: {value}", body, count=1)
    return text[:start] + ("" if found else f"  {key}: {value}\n") + body + text[end:]


def get(text: str, name: str) -> str:
    """The value of ``section.key`` on its own line, without quotes and comment; empty where it is not set."""
    section, key = name.split(".")
    start, end = _section(text, section)
    line = re.search(rf"^  {re.escape(key)}:[ ]*([^\n]*)$", text[max(start, 0) : max(end, 0)], re.MULTILINE)
    value = re.sub(r"(^|\s)#.*", "", line[1]).strip() if line else ""
    return value.strip("\"'")


def rename(text: str, moved: Mapping[str, str] = MOVED) -> str:
    """``text`` with old names of keys replaced by new ones; values and comments stay."""
    for old, new in moved.items():
        (section, key), (_, new_key) = old.split("."), new.split(".")
        start, end = _section(text, section)
        if start >= 0:
            body = re.sub(rf"^  {re.escape(key)}:", f"  {new_key}:", text[start:end], flags=re.MULTILINE)
            text = text[:start] + body + text[end:]
    return text


def _section(text: str, section: str) -> tuple[int, int]:
    """Where the lines below ``section:`` begin and end; (-1, -1) without such a section."""
    head = re.search(rf"^{re.escape(section)}:[^\n]*\n", text, re.MULTILINE)
    if not head:
        return -1, -1
    after = re.search(r"^(?=[A-Za-z_#])", text[head.end() :], re.MULTILINE)
    return head.end(), head.end() + after.start() if after else len(text)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    if sys.argv[2:3] == ["--get"]:
        print(get(path.read_text(), sys.argv[3]))
        sys.exit(0)
    content = rename(path.read_text())
    for setting in sys.argv[2:]:
        content = put(content, *setting.split("=", 1))
    if content != path.read_text():
        path.write_text(content)
