"""Which songs of the catalogue are in an MPD's reach, and under which name: looked up a little at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edge.core.music import Song

_VERSION_MARKS = "([-\u2013/,"
"""What may follow a title in a collection: "Heroes (2017 Remaster)", "Heroes - Live"."""


class SongSearch:
    """Finds songs: by address where MPD opens such addresses, by file, else by artist and title in its database.

    What was found stays known over reconnects until the database changes.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.found: dict[str, str] = {}
        """Song's id -> what MPD calls it. Replaced as a whole, never changed in place: another thread reads it."""
        self._clock = clock
        self._songs: tuple[Song, ...] = ()
        self._waiting: deque[Song] = deque()
        self._schemes: tuple[str, ...] = ()

    @property
    def busy(self) -> bool:
        """There are songs still to look up."""
        return bool(self._waiting)

    def want(self, songs: Iterable[Song]) -> None:
        """Looks for these from now on; what is known of them stays known."""
        self._songs = tuple(songs)
        ids = {song.id for song in self._songs}
        self.found = {key: name for key, name in self.found.items() if key in ids}
        self._waiting = deque(song for song in self._songs if song.id not in self.found)

    def again(self) -> None:
        """The database has changed: looks for all of them again, and believes the old answers meanwhile."""
        self._waiting = deque(self._songs)

    def open(self, client: Any) -> None:
        """A new connection: asks which kinds of address this MPD opens. Raises what python-mpd2 raises."""
        self._schemes = tuple(client.urlhandlers())

    def step(self, client: Any, budget_s: float) -> None:
        """Looks up songs for about ``budget_s``, at least one. Raises what python-mpd2 raises."""
        found, end_s = dict(self.found), self._clock() + budget_s
        try:
            while self._waiting:
                song = self._waiting[0]
                name = self.look_up(client, song)
                self._waiting.popleft()
                if name:
                    found[song.id] = name
                else:
                    found.pop(song.id, None)
                if self._clock() >= end_s:
                    break
        finally:
            self.found = found

    def look_up(self, client: Any, song: Song) -> str:
        """What MPD calls the song; empty when it does not have it."""
        if "://" in song.uri:
            return song.uri if song.uri.lower().startswith(self._schemes) else ""
        for path in (song.file, song.uri):
            if path and client.find("file", path):
                return path
        if not song.title or not song.creator:
            return ""
        return best_match(song, client.search("title", song.title, "artist", song.creator))


def best_match(song: Song, rows: Iterable[Mapping[str, Any]]) -> str:
    """File of the row that is the song, the shortest title first; empty when none is.

    MPD's search finds parts of words: "September" finds "September Song", which is another song.
    """
    fitting = []
    for row in rows:
        title, artist = _text(row.get("title")), _text(row.get("artist"))
        rest = title[len(song.title) :].strip()
        same = title.casefold().startswith(song.title.casefold()) and (not rest or rest[0] in _VERSION_MARKS)
        if same and song.creator.casefold() in artist.casefold():
            fitting.append((len(title), str(row.get("file", ""))))
    return min(fitting)[1] if fitting else ""


def _text(value: Any) -> str:
    """A tag that occurs twice comes as a list."""
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value or "")
