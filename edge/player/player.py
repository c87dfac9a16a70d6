"""What a player is to the rest of Moodcast, and the settings every player is made from.

The records that go in and out are in ``edge.core.music``, so that the director can use them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edge.core.music import Command, Heard, Song
from edge.core.suggestion import Item


class Player(Protocol):
    """Something that plays music. No method blocks: work is done in a thread of the player's own, or at once.

    A player never disturbs a song that it did not start itself: such a command ends in a ``refused`` event, and what we
    had queued is forgotten when somebody starts a song by hand. It connects
    by itself, from the moment it is made and again after each loss. A command given while it is away is ``refused`` too
    and not carried out later; only ``Find`` is remembered.
    """

    def command(self, command: Command) -> None:
        """Asks for something. What comes of it is heard from ``poll``."""

    def poll(self, now_s: float) -> Heard:
        """What the player does now and what happened since the last call. ``now_s``: ``time.monotonic()``.

        Raises what ended the player's thread, if a bug did.
        """

    def close(self) -> None:
        """Ends the connection. The song that plays goes on to its end. Takes at most about 2 s; may be called again."""


@dataclass(frozen=True, kw_only=True)
class PlayerSettings:
    """One player and how it is reached."""

    kind: str = "mpd"
    """A name in ``edge.player.table``."""
    host: str = "127.0.0.1"
    """mpd: name or address, or the path of its socket (begins with a slash)."""
    port: int = 6600
    password: str | None = field(default=None, repr=False)
    crossfade_s: float = 4.0
    """mpd: how long two songs overlap. Only set when Moodcast starts a song. 0: leave MPD's own setting alone."""
    poll_s: float = 0.5
    """mpd: how often it is asked what it does. One short message over the loopback each time."""
    timeout_s: float = 5.0
    """mpd: no answer for so long counts as a lost connection. MPD 0.23 was seen to hang for some seconds at a change of
    song."""
    retry_max_s: float = 30.0
    """mpd: longest wait between two tries to connect."""
    file_prefix: str = "media-source://media_source/local/"
    """mqtt: put before an item's ``file`` to make an address that the far side can open. Empty: files are not
    played."""
    silent_s: float = 90.0
    """mqtt: no ``player/state`` for so long counts as a lost connection; the blueprint sends one every 30 s."""


@dataclass(frozen=True)
class MqttPort:
    """How a player reaches MQTT: given by who owns the connection."""

    publish: Callable[[Mapping[str, object]], None]
    """Sends a dictionary to ``player/set``; QoS 1, not retained, short age limit. Must not block."""
    receive: Callable[[], Sequence[bytes]]
    """Payloads that came on ``player/state`` since the last call, oldest first."""


def song_of(item: Item) -> Song:
    """What a player needs of an item."""
    return Song(id=item.id, title=item.title, creator=item.creator, uri=item.uri, file=item.file)
