"""Writes docs/configuration.md, config/moodcast.yaml and config/times.yaml from edge/config and the defaults.

python tools/make_config_docs.py            writes both
python tools/make_config_docs.py --check    exit 1 when either differs from the schema
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs in a checkout where Moodcast is not installed

from edge.config.keys import Key, keys, sections  # noqa: E402
from edge.config.schema import REFUSED_CONTEXTS  # noqa: E402
from edge.config.times import default_times_yaml  # noqa: E402

DEFAULT_CONTEXT = "home"

DOC_HEAD = """# Configuration

<!-- Made by tools/make_config_docs.py from edge/config/schema.py and its sections: change those, then run it again. -->

Moodcast reads one YAML file. `config/moodcast.yaml` holds every key with its default and a comment;
`config/kiosk.yaml` and `config/vehicle.yaml` are short files for a shop window and a private car. Only
`deployment.context` must be given; a key that is left out has its default.

| command | what it does |
|---|---|
| `moodcast check-config FILE` | names every mistake with its line, or prints `FILE: ok`; exit status 78 or 0 |
| `moodcast config [--config FILE]` | prints the values that hold, secrets masked |
| `moodcast config --schema` | prints the JSON Schema, for editors |

- Relative paths are taken from the folder of the configuration file; `~` is the home of the user who runs Moodcast.
- The broker's password never stands in this file: it comes from the environment variable `MOODCAST_MQTT_PASSWORD`, else
  from the first line of `mqtt.password_file`.
- Numbers are decimal, with a point. A name that YAML takes for something else (`on`, `no`) stands in quotes.
- Aliases (`*name`) and tags (`!name`) are not supported; a file has at most 1 MB and 5,000 values.
"""

YAML_HEAD = """\
# Moodcast: every key with its default. Made by tools/make_config_docs.py; copy this file and edit the copy.
#
# A key that is removed keeps its default; a key without a value is unset. Check a file with:
#     moodcast check-config FILE
# Relative paths are taken from the folder of this file. Units stand in the keys' names (_s seconds, _px pixels,
# _hz hertz, _deg degrees).
"""

CONTEXT_NOTE = "CHECK THIS: it must be true of your place."


def document() -> str:
    """The text of docs/configuration.md."""
    parts = [DOC_HEAD]
    for section, model in sections().items():
        rows = [_row(key) for key in _keys_of(section)]
        if rows:
            head = "| key | allowed | default | what it does |\n|---|---|---|---|\n"
            parts.append(f"## `{section}`\n\n{_one_line(model.__doc__)}\n\n{head}" + "".join(rows))
    reasons = "".join(f"- `{name}`: {reason}.\n" for name, reason in REFUSED_CONTEXTS.items())
    parts.append(
        f"## Refused places\n\nMoodcast does not start with these values of `deployment.context`:\n\n{reasons}"
    )
    return "\n".join(parts)


def default_file() -> str:
    """The text of config/moodcast.yaml."""
    parts = [YAML_HEAD]
    for section, model in sections().items():
        if not section:
            continue
        indent = "  " * section.count(".")
        # One blank line before a top-level section; a section within another follows its keys.
        parts.append(("" if indent else "\n") + _comment(_one_line(model.__doc__), indent))
        parts.append(f"{indent}{section.rpartition('.')[2]}:\n")
        parts += [_entry(key, indent + "  ") for key in _keys_of(section)]
    return "".join(parts)


def _keys_of(section: str) -> list[Key]:
    return [key for key in keys().values() if key.name.rpartition(".")[0] == section]


def _row(key: Key) -> str:
    default = "**must be given**" if key.required else "unset" if key.default is None else f"`{_yaml(key.default)}`"
    allowed = ", ".join(f"`{choice}`" for choice in key.choices) if key.choices else key.allowed
    unit = f", in {key.unit}" if key.choices and key.unit else ""
    cells = (f"`{key.name.rpartition('.')[2]}`", allowed + unit, default, key.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _entry(key: Key, indent: str) -> str:
    says_itself = key.kind is bool or key.allowed == "text"
    allowed = key.allowed
    if key.unit and key.unit in key.description:
        allowed = allowed.removesuffix(f", in {key.unit}")
    value = DEFAULT_CONTEXT if key.required else key.default
    text = f"{CONTEXT_NOTE} {key.description}" if key.required else key.description
    line = f"{indent}{key.name.rpartition('.')[2]}:" + ("" if value is None else f" {_yaml(value)}")
    return _comment(text if says_itself else f"{text} Allowed: {allowed}.", indent) + line + "\n"


def _comment(text: str, indent: str) -> str:
    plain = text.replace("`", "'")
    return textwrap.fill(plain, 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ") + "\n"


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _yaml(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value) if not value.isalpha() else value
    return json.dumps(value)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not up to date")
    check = parser.parse_args().check
    status = 0
    made = {
        "docs/configuration.md": document(),
        "config/moodcast.yaml": default_file(),
        "config/times.yaml": default_times_yaml(),
    }
    for name, text in made.items():
        path = ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            print(f"{path.relative_to(ROOT)}: not up to date; run tools/make_config_docs.py", file=sys.stderr)
            status = 1
        else:
            path.write_text(text, encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
