"""The result of one check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """``ok`` None: cannot apply here, and ``detail`` says why. A red one (False) has a ``remedy``."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""


def green(name: str, detail: str) -> Check:
    return Check(name, True, detail)


def red(name: str, detail: str, remedy: str) -> Check:
    return Check(name, False, detail, remedy)


def skipped(name: str, why: str) -> Check:
    return Check(name, None, f"skipped: {why}")


def table(checks: Sequence[Check]) -> str:
    """For people: one line a check, the remedy below a red one."""
    words = {True: "ok", False: "RED", None: "-"}
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{words[check.ok]:4} {check.name:{width}}  {check.detail}")
        if check.ok is False:
            lines.append(f"{'':4} {'':{width}}  -> {check.remedy}")
    count = sum(check.ok is False for check in checks)
    return "\n".join([*lines, f"{count} red" if count else "all well"])
