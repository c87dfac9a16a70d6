"""Sections of the schema about what comes of a mood: suggestions, page and music."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edge.config.section import Section


class Companion(Section):
    """What is recommended, and to whose mood."""

    unit: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_-]{1,38}$",
        description="Unit whose moods are followed, as in its topics. Empty: the unit of this device.",
    )
    goal: Literal["auto", "elevate", "sustain", "calm"] = Field(
        "auto",
        description="Where suggestions lead: `elevate` brighter, `sustain` as it is, `calm` quieter; `auto`: by mood.",
    )
    catalogue: str | None = Field(
        None, description="File or folder of further items beside the shipped catalogue; see docs/catalogue.md."
    )
    times: str | None = Field(
        None, description="File with your own table of times, like config/times.yaml. Empty: that one."
    )
    age_limit: int = Field(
        16, ge=0, le=99, description="Items for older people are never suggested; 0 for a screen that children pass."
    )
    stale_s: float = Field(
        20.0, ge=2.0, le=600.0, description="A mood that was not heard again for so long counts as gone, in seconds."
    )


class Kiosk(Section):
    """The page."""

    enabled: bool = Field(True, description="Serve the page.")
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on. Anything but loopback shows it to the network."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port of the page; 0 takes any free one.")
    allowed_hosts: str | None = Field(
        None,
        description="Further names under which browsers ask for the page (a reverse proxy's), with commas between.",
    )
    brand_dir: str | None = Field(None, description="Folder with logo, colours and texts of your own; docs/kiosk.md.")
    images_dir: str | None = Field(None, description="Folder of the catalogue's pictures. Empty: drawn ones.")


class Display(Section):
    """What the page shows."""

    mood: Literal["colour", "word", "off"] = Field(
        "colour", description="How the mood shows: `colour` alone, with a `word`, or `off`."
    )
    language: Literal["en", "de"] = Field("en", description="Language at the start; visitors can switch.")


class Speaker(Section):
    """What makes sound."""

    player: Literal["none", "mpd", "mqtt"] = Field(
        "none",
        description="`mpd`: Music Player Daemon; `mqtt`: a media player of Home Assistant; docs/speaker.md.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="mpd: its name or address, or the path of its socket.")
    port: int = Field(6600, ge=1, le=65535, description="mpd: its port. The password comes from MOODCAST_MPD_PASSWORD.")
    crossfade_s: float = Field(4.0, ge=0.0, le=30.0, description="mpd: how long two songs overlap, in seconds.")
    stable_s: float = Field(
        20.0, ge=1.0, le=600.0, description="A mood must hold so long before music follows it, in seconds."
    )
    change_s: float = Field(
        90.0, ge=5.0, le=3600.0, description="Music follows another mood at most so often, in seconds."
    )
    alone: Literal["stop", "list", "neutral"] = Field(
        "list",
        description="Nobody in view: `stop` after the song, `list` after those chosen, or go on with `neutral` ones.",
    )
    volume_percent: int | None = Field(
        None, ge=0, le=100, description="Volume when music starts, in percent. Empty: as it is."
    )
    volume_limit_percent: int = Field(70, ge=0, le=100, description="Our music is never louder, in percent.")
    quiet_from_hour: int = Field(22, ge=0, le=23, description="Quiet hours begin at this local hour.")
    quiet_until_hour: int = Field(7, ge=0, le=23, description="Quiet hours end at this one; the same hour: none.")
    quiet_volume_percent: int = Field(
        20, ge=0, le=100, description="Loudest in quiet hours, in percent; 0: no song begins."
    )
