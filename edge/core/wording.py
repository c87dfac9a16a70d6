"""Every text of the kiosk page in each language (the notice is in ``edge.core.notice``), and the rule they all keep.

The page speaks about the suggestion and never about the person: no "you are", no negative emotion by name.
``forbidden`` is that rule as a function; the tests hold these tables to it, ``edge.web.brand`` an installer's texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Tone = Literal["bright", "new", "gentle", "unwind", "quiet", "now", "all"]

TONES: dict[str, Tone] = {
    "happy": "bright",
    "surprise": "new",
    "sad": "gentle",
    "angry": "unwind",
    "fear": "quiet",
    "disgust": "now",
    "neutral": "now",
}
"""What each emotion calls for. From here on the page knows the tone alone, never the emotion."""

LANGUAGES: dict[str, str] = {"en": "English", "de": "Deutsch"}
"""Code to the language's own name, in the order of the page's switch."""

_ENGLISH = {
    "headline.bright": "Bright moment - keep it going?",
    "headline.new": "Something new?",
    "headline.gentle": "Something gentle?",
    "headline.unwind": "Time to unwind?",
    "headline.quiet": "Something quiet and familiar?",
    "headline.now": "Here's something for right now.",
    "headline.all": "Something for all of you",
    "headline.wish_brighter": "Something brighter",
    "headline.wish_calmer": "Something calmer",
    "headline.wish_surprise": "A surprise",
    "word.bright": "bright",
    "word.new": "new",
    "word.gentle": "gentle",
    "word.unwind": "unwind",
    "word.quiet": "quiet",
    "word.now": "right now",
    "word.all": "together",
    "kind.music": "Music",
    "kind.film": "Film",
    "kind.book": "Book",
    "kind.meditation": "Meditation",
    "kind.activity": "Activity",
    "kind.place": "Place",
    "card.why": "Why this?",
    "card.minutes": "{minutes} min",
    "card.like": "Like",
    "card.skip": "Skip",
    "card.begin": "Begin",
    "card.finished": "Finished",
    "card.playing": "Playing",
    "bar.not_quite": "Not quite?",
    "bar.brighter": "Brighter",
    "bar.calmer": "Calmer",
    "bar.surprise": "Surprise me",
    "bar.wish_brighter": "Brighter for a minute",
    "bar.wish_calmer": "Calmer for a minute",
    "bar.wish_surprise": "A surprise for a minute",
    "bar.pause": "Pause",
    "bar.notice": "Privacy",
    "bar.playing": "Now playing: {title}",
    "bar.controls": "Controls",
    "bar.suggestions": "Suggestions",
    "dialog.close": "Close",
    "notice.title": "About this display",
    "notice.short": "A camera guesses the mood here. No picture is stored or sent.",
    "idle.0": "A good moment can start anywhere.",
    "idle.1": "Take a breath.",
    "idle.2": "Somewhere, a good song is beginning.",
    "idle.3": "There is always something worth finding.",
    "paused.title": "Paused",
    "paused.text": "No mood is read until somebody resumes.",
    "paused.resume": "Resume",
    "offline.title": "One moment",
    "offline.text": "This page comes back by itself.",
}

_GERMAN = {
    "headline.bright": "Heller Moment - gleich so weiter?",
    "headline.new": "Etwas Neues?",
    "headline.gentle": "Etwas Sanftes?",
    "headline.unwind": "Zeit zum Durchatmen?",
    "headline.quiet": "Etwas Ruhiges, Vertrautes?",
    "headline.now": "Hier ist etwas für den Augenblick.",
    "headline.all": "Etwas für alle zusammen",
    "headline.wish_brighter": "Etwas Helleres",
    "headline.wish_calmer": "Etwas Ruhigeres",
    "headline.wish_surprise": "Eine Überraschung",
    "word.bright": "hell",
    "word.new": "neu",
    "word.gentle": "sanft",
    "word.unwind": "durchatmen",
    "word.quiet": "ruhig",
    "word.now": "jetzt",
    "word.all": "zusammen",
    "kind.music": "Musik",
    "kind.film": "Film",
    "kind.book": "Buch",
    "kind.meditation": "Meditation",
    "kind.activity": "Idee",
    "kind.place": "Ort",
    "card.why": "Warum das?",
    "card.minutes": "{minutes} Min.",
    "card.like": "Mag ich",
    "card.skip": "Weiter",
    "card.begin": "Start",
    "card.finished": "Fertig",
    "card.playing": "Läuft",
    "bar.not_quite": "Nicht ganz?",
    "bar.brighter": "Heller",
    "bar.calmer": "Ruhiger",
    "bar.surprise": "Überraschung",
    "bar.wish_brighter": "Eine Minute heller",
    "bar.wish_calmer": "Eine Minute ruhiger",
    "bar.wish_surprise": "Eine Minute Überraschung",
    "bar.pause": "Pause",
    "bar.notice": "Datenschutz",
    "bar.playing": "Es läuft: {title}",
    "bar.controls": "Bedienung",
    "bar.suggestions": "Vorschläge",
    "dialog.close": "Schließen",
    "notice.title": "Über diese Anzeige",
    "notice.short": "Eine Kamera schätzt hier die Stimmung. Kein Bild wird gespeichert oder gesendet.",
    "idle.0": "Ein guter Moment kann überall beginnen.",
    "idle.1": "Einmal tief durchatmen.",
    "idle.2": "Irgendwo beginnt gerade ein schönes Lied.",
    "idle.3": "Es gibt immer etwas zu entdecken.",
    "paused.title": "Pause",
    "paused.text": "Bis jemand fortsetzt, wird keine Stimmung geschätzt.",
    "paused.resume": "Fortsetzen",
    "offline.title": "Einen Moment",
    "offline.text": "Diese Seite kommt von selbst zurück.",
}

TEXTS: dict[str, dict[str, str]] = {"en": _ENGLISH, "de": _GERMAN}
"""By language, then by key. Every language has the same keys; ``{...}`` are filled in by the page."""

_FORBIDDEN: tuple[str, ...] = (
    # English: about the person
    *("you are", "you're", "you were", "are you", "you look", "you seem", "you feel", "you sound", "you must be"),
    *("your mood", "your face", "your feelings", "your emotion*"),
    # English: negative emotions
    *(
        "sad",
        "sadness",
        "sadder",
        "angry",
        "anger",
        "mad",
        "furious",
        "rage",
        "fear*",
        "afraid",
        "scared",
        "frightened",
    ),
    *("disgust*", "unhapp*", "depress*", "upset", "stress*", "anxi*", "worried", "lonely", "miserable", "grumpy"),
    *("annoyed", "moody", "gloomy", "tired", "bad mood", "negative*"),
    # German: about the person
    *("du bist", "bist du", "sie sind", "sind sie", "ihr seid", "du siehst", "du wirkst", "du fühlst", "sie wirken"),
    *("sie sehen", "sie fühlen", "deine stimmung", "ihre stimmung", "dein gesicht", "ihr gesicht", "dein gefühl"),
    *("deine gefühle",),
    # German: negative emotions
    *(
        "traurig*",
        "trauer*",
        "wütend*",
        "wut",
        "zorn*",
        "ärger*",
        "verärgert*",
        "angst",
        "ängst*",
        "furcht*",
        "fürcht*",
    ),
    *("ekel*", "angewidert*", "unglücklich*", "deprimiert*", "gestresst*", "besorgt*", "einsam*", "genervt*", "müde"),
    *("schlecht gelaunt", "schlechte laune"),
)
"""Phrases of lower-case words; a star at the end stands for any ending."""


def forbidden(text: str) -> list[str]:
    """The phrases in ``text`` that speak about the person or name a negative emotion, in any language; [] is good."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    words = "".join(c if c.isalnum() or c == "'" else " " for c in plain).split()
    return [phrase for phrase in _FORBIDDEN if _stands_in(phrase, words)]


def _stands_in(phrase: str, words: list[str]) -> bool:
    wanted = phrase.rstrip("*").split()
    for start in range(len(words) - len(wanted) + 1):
        found = words[start : start + len(wanted)]
        last_fits = found[-1].startswith(wanted[-1]) if phrase.endswith("*") else found[-1] == wanted[-1]
        if last_fits and found[:-1] == wanted[:-1]:
            return True
    return False


def problems(texts: Mapping[str, object]) -> list[str]:
    """What is wrong with an installer's own texts (by language, then key), one line for each; [] is good."""
    found: list[str] = []
    for language, table in texts.items():
        if language not in TEXTS:
            found.append(f"{language}: no such language; there are {', '.join(LANGUAGES)}")
        elif not isinstance(table, Mapping):
            found.append(f"{language}: must hold `key: text` lines")
        else:
            found += [line for key, text in table.items() for line in _text_problems(language, str(key), text)]
    return found


def _text_problems(language: str, key: str, text: object) -> list[str]:
    where = f"{language}: {key}"
    if key not in TEXTS[language]:
        return [f"{where}: no such text; docs/kiosk.md lists them"]
    if key.startswith("notice."):
        return [f"{where}: is fixed: the notice says what is true"]
    if not isinstance(text, str) or not text.strip() or len(text) > 200:
        return [f"{where}: must be a text of 1 to 200 characters"]
    wanted = {word for word in ("{minutes}", "{title}") if word in TEXTS[language][key]}
    missing = [f"{where}: `{word}` is missing" for word in wanted if word not in text]
    bad = forbidden(text)
    return missing + (
        [f"{where}: `{bad[0]}` is not allowed: texts speak about the suggestion, never about the person"] if bad else []
    )
