"""What the page's server is told, what it hands back, and its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.core.view import TouchKind
from edge.errors import EdgeError


class WebError(EdgeError):
    """The page cannot be served: port, brand folder. The rest of the companion goes on without it."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Times in seconds."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback shows the page, and the API, to the network."""
    port: int = 8080
    """0: any free port, see ``KioskServer.port``."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names under which a browser may ask for the page (a reverse proxy's). Addresses, this machine's own
    name and, on loopback, ``localhost`` are allowed by themselves; all other names are refused: DNS rebinding."""
    name: str = "Moodcast"
    """Title of the page."""
    notice: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Paragraphs of the notice by language: ``edge.core.notice.notices``."""
    brand_dir: Path | None = None
    """Folder with any of ``brand.css``, ``logo.svg``, ``texts.yaml``, and pictures or fonts that the style names."""
    images_dir: Path | None = None
    """Folder of the catalogue's pictures. None: every card has a drawn picture."""
    max_clients: int = 8
    """Pages open at the same time."""
    heartbeat_s: float = 5.0
    """The page takes a server that is silent for three of these as gone."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """One touch on the page, checked: an unknown kind, wish or language never gets here."""

    kind: TouchKind
    item_id: str = ""
    """For like, skip and finished. It may name an item that no longer exists."""
    value: str = ""
    """For not_quite: brighter, calmer or surprise. For language: its code."""

    @property
    def what(self) -> str:
        """What ``edge.core.presentation.Presenter.touch`` takes."""
        return self.item_id or self.value
