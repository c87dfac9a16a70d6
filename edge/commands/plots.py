"""Where ``--plot OUT`` writes: one picture, or each plot as a PNG of its own in a folder."""

from __future__ import annotations

from pathlib import Path

from edge.errors import InputError

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def check_plot(out: Path | None) -> None:
    """Makes the folder that ``out`` names, unless it names a picture.

    Raises InputError for a name that is neither, or when the folder cannot be made.
    """
    if out is None or out.suffix.lower() in _SUFFIXES or out.is_dir():
        return
    if out.suffix:
        raise InputError(f"{out}: name the plot with one of {', '.join(_SUFFIXES)}, or name a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be created as a folder for plots: {error.strerror}") from error


def plot_place(out: Path, name: str) -> Path:
    """``out``, or ``name``.png in it where it is a folder."""
    return out / f"{name}.png" if out.is_dir() else out
