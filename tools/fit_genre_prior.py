#!/usr/bin/env python3
"""Estimates which genre of music is liked in which mood and at which time of day, before anything is known here.

    python tools/fit_genre_prior.py [--data ../shared/data] [--write] [--json]

Data: InCarMusic, ratings 0-5 of 139 songs by drivers who imagined a context (L. Baltrunas, M. Kaminskas, B. Ludwig, O.
Moling, F. Ricci, A. Aydin, K.-H. Luke, R. Schwaiger: "InCarMusic: Context-Aware Music Recommendations in a Car", EC-Web
2011). Songs without a genre there are by Robert Johnson, Mamie Smith, T-Bone Walker, B. B. King and of Led Zeppelin's
blues: they count as blues.

Model: rating = mean + user + genre + context + genre x context, each term estimated on what the ones before leave and
shrunk towards 0 by n / (n + k) (empirical Bayes: k is the ratio of the noise's variance to the term's). Ratings of one
user in one group tell little more than one of them does (two users gave a third of all), so n counts each of m such
ratings as 1 / (1 + RHO (m - 1)): the design effect of L. Kish, "Survey Sampling", 1965. Each k is the one with the
least squared error in a cross-validation inside the training part; the figures come from an outer one.

Two questions are asked of the held-out ratings. "By user": does the table rank well for somebody never seen? How high
that person rates in general is not asked, so truth and prediction are both centred on the person. "By rating": does it
predict another rating of a known user? ``--write`` writes edge/core/genre_prior.py: k by the first question, fitted to
all ratings.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "edge" / "core" / "genre_prior.py"
Floats = NDArray[np.float64]
CONTEXTS = ("mood", "time_of_day")
LEVELS = ("user", "genre", "context", "cross")
K_GRID = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
USER_K = 10.0
"""For users k is not searched for: leaving their means in would let who rated leak into what is liked."""
TOLERANCE = 0.001
"""Errors within 0.1 % count as equal, and then the stronger shrinkage is taken."""
RHO = 0.2
"""Correlation of the ratings that one user gives within a group; 0.2 and 1 differ by 0.001 stars for users held out."""
GENRE_NAMES = {"": "blues", "Hip Hop music": "hip-hop"}
FOLDS, SEED = 5, 20


@dataclass(frozen=True)
class Rating:
    user: str
    genre: str
    stars: float
    context: str
    """``mood=happy``, ``time_of_day=night``, ...; empty: none that is read here."""


@dataclass
class Model:
    """Effects in stars, by key; what is not there is 0."""

    mean: float = 0.0
    effects: dict[str, dict[tuple[str, ...], float]] = field(default_factory=lambda: {level: {} for level in LEVELS})

    def predict(self, rating: Rating) -> float:
        found = (self.effects[level].get(key_of(rating, level), 0.0) for level in LEVELS)
        return self.mean + sum(found)


def key_of(rating: Rating, level: str) -> tuple[str, ...]:
    """The group of a rating on a level; () where it has none."""
    own: dict[str, tuple[str, ...]] = {
        "user": (rating.user,),
        "genre": (rating.genre,),
        "context": (rating.context,) if rating.context else (),
        "cross": (rating.genre, rating.context) if rating.context else (),
    }
    return own[level]


def read_ratings(path: Path) -> list[Rating]:
    """All ratings; at most one context stands in each row of this data set."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ratings = []
    for row in rows:
        context = next((f"{name}={row[name]}" for name in CONTEXTS if row[name]), "")
        genre = GENRE_NAMES.get(row["genre"], row["genre"].removesuffix(" music").lower())
        ratings.append(Rating(row["user"], genre, float(row["rating"]), context))
    return ratings


def fit(ratings: Sequence[Rating], shrink: dict[str, float]) -> Model:
    """The model with the given k for each level; a level that is not in ``shrink`` is left out."""
    model = Model(mean=sum(r.stars for r in ratings) / len(ratings))
    left = np.array([r.stars - model.mean for r in ratings])
    for level in (name for name in LEVELS if name in shrink):
        keys = [key_of(rating, level) for rating in ratings]
        weights = weights_of(ratings, keys) if level != "user" else np.ones(len(ratings))
        groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, key in enumerate(keys):
            if key:
                groups[key].append(row)
        effects = {
            key: float((weights[rows] * left[rows]).sum() / (weights[rows].sum() + shrink[level]))
            for key, rows in groups.items()
        }
        left -= np.array([effects.get(key, 0.0) for key in keys])
        model.effects[level] = effects
    return model


def weights_of(ratings: Sequence[Rating], keys: Sequence[tuple[str, ...]]) -> Floats:
    """How much each rating counts, ``(N,)``: less the more ratings its user gave in the same group."""
    pairs = [(rating.user, *key) for rating, key in zip(ratings, keys, strict=True)]
    many = Counter(pairs)
    return np.array([1.0 / (1.0 + RHO * (many[pair] - 1)) for pair in pairs])


def split(ratings: Sequence[Rating], by_user: bool, seed: int) -> list[list[int]]:
    """Rows of the held-out parts: shuffled ratings, or shuffled users with all of theirs."""
    random = np.random.default_rng(seed)
    if not by_user:
        return [part.tolist() for part in np.array_split(random.permutation(len(ratings)), FOLDS)]
    users = random.permutation(sorted({r.user for r in ratings})).tolist()
    fold = {user: number % FOLDS for number, user in enumerate(users)}
    return [[row for row, r in enumerate(ratings) if fold[r.user] == part] for part in range(FOLDS)]


def errors(ratings: Sequence[Rating], by_user: bool, seed: int, make: Callable[[list[Rating]], Model]) -> Floats:
    """Held-out error in stars of every rating, ``(N,)``, by the model that ``make`` fits to the other folds."""
    found = np.zeros(len(ratings))
    for rows in split(ratings, by_user, seed):
        held = set(rows)
        model = make([r for row, r in enumerate(ratings) if row not in held])
        for row in rows:
            found[row] = model.predict(ratings[row]) - ratings[row].stars
    if by_user:
        users = np.array([r.user for r in ratings])
        for user in np.unique(users):
            found[users == user] -= found[users == user].mean()
    return found


def choose_shrinkage(ratings: Sequence[Rating], levels: Sequence[str], by_user: bool) -> dict[str, float]:
    """k of each level in turn: least held-out squared error over three splits; the largest of near equals."""
    chosen = {level: USER_K for level in levels if level == "user"}
    for level in (name for name in levels if name != "user"):
        tried = {}
        for k in K_GRID:
            shrink = chosen | {level: k}
            make = partial(fit, shrink=shrink)
            tried[k] = float(np.mean([(errors(ratings, by_user, SEED + r, make) ** 2).mean() for r in (1, 2, 3)]))
        chosen[level] = max(k for k in K_GRID if tried[k] <= (1.0 + TOLERANCE) * min(tried.values()))
    return chosen


def held_out(ratings: Sequence[Rating], by_user: bool) -> dict[str, dict[str, float]]:
    """Root mean square error in stars by model, on all ratings and on those with a mood or time of day."""
    models: dict[str, tuple[str, ...]] = {
        "global mean": (),
        "user": ("user",),
        "user + genre (no mood)": ("user", "genre"),
        "user + genre + mood or time": ("user", "genre", "context"),
        "user + genre x mood or time": LEVELS,
    }
    with_context = np.array([bool(r.context) for r in ratings])
    figures = {}
    for name, levels in models.items():
        found = errors(
            ratings,
            by_user,
            SEED,
            lambda part, own=levels: fit(part, choose_shrinkage(part, own, by_user)),
        )
        figures[name] = {
            "rmse_all": round(float(np.sqrt((found**2).mean())), 4),
            "rmse_with_context": round(float(np.sqrt((found[with_context] ** 2).mean())), 4),
            "mae_all": round(float(np.abs(found).mean()), 4),
        }
    return figures


def table_text(model: Model, shrink: dict[str, float], figures: dict[str, dict[str, dict[str, float]]]) -> str:
    """The text of edge/core/genre_prior.py."""
    crosses = {key: value for key, value in sorted(model.effects["cross"].items()) if abs(value) >= 0.005}
    tables = {
        "GENRE": ("dict[str, float]", {f'"{g}"': v for (g,), v in sorted(model.effects["genre"].items())}),
        "GENRE_MOOD": ("dict[tuple[str, str], float]", _crossed(crosses, "mood")),
        "GENRE_TIME": ("dict[tuple[str, str], float]", _crossed(crosses, "time_of_day")),
    }
    lines = [
        '"""Starting preference of genres by mood and time of day. Generated by tools/fit_genre_prior.py, do not edit.',
        "",
        "Stars (of 0 to 5) above or below the mean. Estimated with shrinkage from InCarMusic (3,210 ratings): L.",
        'Baltrunas et al., "InCarMusic: Context-Aware Music Recommendations in a Car", EC-Web 2011.',
        "Shrinkage k, users held out: " + ", ".join(f"{name} {value:g}" for name, value in shrink.items()) + ".",
        "Held-out root mean square error in stars (5-fold, users held out | ratings held out):",
    ]
    for name, own in figures["by_user"].items():
        lines.append(f"  {name}: {own['rmse_all']:.3f} | {figures['by_rating'][name]['rmse_all']:.3f}")
    lines += ['"""', "", "from __future__ import annotations", ""]
    for name, (kind, values) in tables.items():
        body = [f"    {key}: {value:.3f}," for key, value in values.items()]
        lines += [f"{name}: {kind} = {{", *body, "}"] if body else [f"{name}: {kind} = {{}}"]
    return "\n".join(lines) + "\n"


def _crossed(crosses: dict[tuple[str, ...], float], name: str) -> dict[str, float]:
    found = {(genre, context.split("=")[1]): v for (genre, context), v in crosses.items() if context.startswith(name)}
    return {f'("{genre}", "{value}")': v for (genre, value), v in found.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / ".." / "shared" / "data", help="folder with rec/")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    path = options.data / "rec" / "incarmusic_train.csv"
    if not path.is_file():
        print(f"{path}: no such file; name the folder that holds rec/ with --data", file=sys.stderr)
        return 1
    ratings = read_ratings(path)
    figures = {"by_user": held_out(ratings, by_user=True), "by_rating": held_out(ratings, by_user=False)}
    shrink = choose_shrinkage(ratings, LEVELS, by_user=True)
    if options.json:
        print(json.dumps({"ratings": len(ratings), "held_out": figures, "k": {n: str(k) for n, k in shrink.items()}}))
    else:
        for way, models in figures.items():
            print(f"held out {way.replace('_', ' ')}, {FOLDS} folds, error in stars:")
            for name, own in models.items():
                print(f"  {name:30}" + "  ".join(f"{figure} {value:.4f}" for figure, value in own.items()))
        print("k:", shrink)
    if options.write:
        TABLE.write_text(table_text(fit(ratings, shrink), shrink, figures), encoding="utf-8")
        print(f"wrote {TABLE.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
