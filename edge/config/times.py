"""The table of times: which kinds of item fit which hours and weekdays. Every mistake with its line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import yaml

from edge.config import tree
from edge.core.policy import DEFAULT_TIME_RULES, EVERY_DAY, WEEKEND, WORKDAYS, TimeRule
from edge.core.suggestion import KINDS
from edge.errors import ConfigError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"every day": EVERY_DAY, "workdays": WORKDAYS, "weekend": WEEKEND}
_KEYS = ("kind", "from_hour", "until_hour", "weekdays", "bias", "energy")
_KINDS = ("any", *KINDS)


@dataclass(frozen=True, slots=True)
class _Mistake(Exception):
    line: int
    text: str


def read_times(path: Path) -> tuple[TimeRule, ...]:
    """The rules in ``path``: a list `rules` of rows as in config/times.yaml, which says what each key means.

    Raises ConfigError with every mistake, as ``file:line: problem, what is allowed``.
    """
    root, refused = tree.compose(tree.read(path), str(path))
    problems = [f"{path}:{line}: {text}" for line, text in refused]
    rows = {_text(key): value for key, value in root.value}.get("rules")
    if not isinstance(rows, yaml.SequenceNode):
        raise ConfigError([*problems, f"{path}:1: needs a list `rules`, as in the shipped config/times.yaml"])
    rules: list[TimeRule] = []
    for row in rows.value:
        try:
            rules.append(_rule(row))
        except _Mistake as mistake:  # noqa: PERF203 - some dozen rows, once
            problems.append(f"{path}:{mistake.line}: {mistake.text}")
    if problems:
        raise ConfigError(problems)
    return tuple(rules)


def default_times_yaml() -> str:
    """The text of config/times.yaml: the default rules, with what each key means."""
    lines = [
        "# When what fits: rows that apply at the same time add up. Made by tools/make_config_docs.py from the",
        "# defaults; copy this file, edit the copy and name it in `companion.times`.",
        f"# kind: one of {', '.join(_KINDS)}",
        "# from_hour 0-23, until_hour 1-24 (until its start; smaller than from_hour: over midnight), local time",
        f"# weekdays: {', '.join(_GROUPS)}, or a list of {', '.join(_DAYS)}",
        "# bias -1 to 1: how much less or more the kind fits; energy -1 to 1 (only with `any`): how much livelier",
        "rules:",
    ]
    for rule in DEFAULT_TIME_RULES:
        days = next(name for name, group in _GROUPS.items() if group == rule.weekdays)
        weight = f"energy: {rule.energy:g}" if rule.kind == "any" else f"bias: {rule.bias:g}"
        hours = f"from_hour: {rule.from_hour}, until_hour: {rule.until_hour}"
        lines.append(f"  - {{kind: {rule.kind}, {hours}, weekdays: {days}, {weight}}}")
    return "\n".join(lines) + "\n"


def _rule(row: yaml.Node) -> TimeRule:
    line = row.start_mark.line + 1
    if not isinstance(row, yaml.MappingNode):
        raise _Mistake(
            line, "each row is a group of keys, such as {kind: music, from_hour: 6, until_hour: 20, bias: 0.3}"
        )
    given = {_text(key): value for key, value in row.value}
    for key, node in row.value:
        if _text(key) not in _KEYS:
            near = difflib.get_close_matches(_text(key), _KEYS, 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise _Mistake(node.start_mark.line + 1, f"{_text(key)}: unknown key; there are {', '.join(_KEYS)}{hint}")
    for key in ("kind", "from_hour", "until_hour"):
        if key not in given:
            raise _Mistake(line, f"{key}: is missing")
    kind = _text(given["kind"])
    if kind not in _KINDS:
        raise _Mistake(line, f"kind: must be one of {', '.join(_KINDS)}, not {kind!r}")
    return TimeRule(
        kind=kind,
        from_hour=round(_number(given, "from_hour", 0, 23)),
        until_hour=round(_number(given, "until_hour", 1, 24)),
        weekdays=_weekdays(given.get("weekdays")),
        bias=_number(given, "bias", -1, 1),
        energy=_number(given, "energy", -1, 1),
    )


def _number(given: dict[str, yaml.Node], key: str, low: float, high: float) -> float:
    node = given.get(key)
    if node is None:
        return 0.0
    whole = key.endswith("_hour")
    try:
        value = float(_text(node))
    except ValueError:
        value = float("nan")
    if not low <= value <= high or (whole and value != round(value)):
        what = "a whole number" if whole else "a number"
        raise _Mistake(node.start_mark.line + 1, f"{key}: must be {what} from {low} to {high}, not {_text(node)!r}")
    return value


def _weekdays(node: yaml.Node | None) -> tuple[int, ...]:
    if node is None:
        return EVERY_DAY
    names = [_text(day) for day in node.value] if isinstance(node, yaml.SequenceNode) else [_text(node)]
    if len(names) == 1 and names[0] in _GROUPS:
        return _GROUPS[names[0]]
    unknown = [name for name in names if name not in _DAYS]
    if unknown or not names:
        allowed = f"{', '.join(_GROUPS)}, or a list of {', '.join(_DAYS)}"
        raise _Mistake(node.start_mark.line + 1, f"weekdays: must be {allowed}, not {', '.join(unknown) or 'empty'}")
    return tuple(sorted({_DAYS.index(name) for name in names}))


def _text(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
