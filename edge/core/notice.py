"""The privacy notice: what is true of this installation, made from its effective configuration."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.wording import LANGUAGES


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """What the notice must say, taken from the effective configuration. A host is empty where nothing is sent to it
    over a network: switched off, or on this device."""

    broker_host: str
    """Where mood words go over MQTT."""
    publishes_people: bool
    """False: only counts and averages over several people."""
    camera_host: str = ""
    """The camera stands on another device, which reports through this host. Empty: the camera is here."""
    player_host: str = ""
    """Where titles of music go to be played."""
    page_open: bool = False
    """The page can be opened from other devices: it does not listen on loopback alone."""
    keeps_feedback: bool = True
    """Likes and skips are stored."""


_NOTICE: dict[str, dict[str, str]] = {
    "en": {
        "what": "A camera looks for faces and guesses a mood, to suggest something that fits the moment. A guess can "
        "be wrong: “Not quite?” changes it.",
        "pictures": "Pictures are looked at in memory and dropped at once. No picture is stored or sent. Nobody is "
        "recognised.",
        "nothing": "Nothing leaves this device.",
        "people": "What leaves this device: mood words and numbers, suggestions, likes and skips, all without a name, "
        "by MQTT, to {host}.",
        "counts": "What leaves this device: counts and averages over several people, suggestions, likes and skips, by "
        "MQTT, to {host}.",
        "camera": "The camera is on another device. It sends mood words and numbers, no picture, by way of {host}; "
        "suggestions, likes and skips go there too.",
        "player": "Titles of music to play go to {host}.",
        "page": "Other devices in this network can open this page and see what it shows.",
        "feedback": "Likes and skips are kept for the item, not for a person.",
        "pause": "“Pause” stops the reading of moods until somebody resumes.",
    },
    "de": {
        "what": "Eine Kamera sucht Gesichter und schätzt die Stimmung, um etwas Passendes vorzuschlagen. Die Schätzung "
        "kann falsch sein: „Nicht ganz?“ ändert sie.",
        "pictures": "Bilder werden im Speicher betrachtet und sofort verworfen. Kein Bild wird gespeichert oder "
        "gesendet. Niemand wird erkannt.",
        "nothing": "Nichts verlässt dieses Gerät.",
        "people": "Was dieses Gerät verlässt: Stimmungswörter und Zahlen, Vorschläge, „Mag ich“ und „Weiter“, alles "
        "ohne Namen, über MQTT, an {host}.",
        "counts": "Was dieses Gerät verlässt: Anzahlen und Mittelwerte über mehrere Personen, Vorschläge, „Mag ich“ "
        "und „Weiter“, über MQTT, an {host}.",
        "camera": "Die Kamera ist an einem anderen Gerät. Es sendet Stimmungswörter und Zahlen, kein Bild, "
        "über {host}; Vorschläge, „Mag ich“ und „Weiter“ gehen auch dorthin.",
        "player": "Titel von Musik, die spielen soll, gehen an {host}.",
        "page": "Andere Geräte in diesem Netz können diese Seite öffnen und sehen, was sie zeigt.",
        "feedback": "„Mag ich“ und „Weiter“ werden zum Vorschlag gespeichert, nicht zu einer Person.",
        "pause": "„Pause“ beendet das Schätzen von Stimmungen, bis jemand fortsetzt.",
    },
}

_LOOPBACK = ("", "localhost", "localhost.localdomain", "::1", "[::1]")


def is_loopback(host: str) -> bool:
    """True for names and addresses of this very device, for the path of a socket, and for no host at all."""
    if host.startswith(("/", "@")):
        return True
    name = host.strip().lower().rstrip(".")
    parts = name.split(".")
    return name in _LOOPBACK or (len(parts) == 4 and parts[0] == "127" and all(part.isdigit() for part in parts))


def notice(facts: NoticeFacts, language: str) -> list[str]:
    """The sentences of the notice dialog, one for each paragraph. An unknown language reads English."""
    texts = _NOTICE.get(language, _NOTICE["en"])
    broker, camera, player = (
        "" if is_loopback(host) else host for host in (facts.broker_host, facts.camera_host, facts.player_host)
    )
    lines = [texts["what"], texts["pictures"]]
    if camera:
        lines.append(texts["camera"].format(host=camera))
    elif broker:
        lines.append(texts["people" if facts.publishes_people else "counts"].format(host=broker))
    if player:
        lines.append(texts["player"].format(host=player))
    if facts.page_open:
        lines.append(texts["page"])
    if not (camera or broker or player or facts.page_open):
        lines.append(texts["nothing"])
    return [*lines, *([texts["feedback"]] if facts.keeps_feedback else []), texts["pause"]]


def notices(facts: NoticeFacts) -> dict[str, list[str]]:
    """``notice`` in every language, as the page takes it."""
    return {language: notice(facts, language) for language in LANGUAGES}
