"""Rule of the page: it speaks about the suggestion and never about the person, in every language."""

from __future__ import annotations

import pytest

from edge.core.notice import NoticeFacts, is_loopback, notice, notices
from edge.core.wording import LANGUAGES, TEXTS, TONES, forbidden, problems
from edge.data import EMOTIONS

LOCAL = NoticeFacts(broker_host="127.0.0.1", publishes_people=True)


@pytest.mark.parametrize(
    ("emotion", "headline"),
    [
        ("happy", "Bright moment - keep it going?"),
        ("surprise", "Something new?"),
        ("sad", "Something gentle?"),
        ("angry", "Time to unwind?"),
        ("fear", "Something quiet and familiar?"),
        ("neutral", "Here's something for right now."),
        ("disgust", "Here's something for right now."),
    ],
)
def test_headline_of_each_emotion(emotion: str, headline: str) -> None:
    assert TEXTS["en"][f"headline.{TONES[emotion]}"] == headline


def test_two_or_more_people_get_something_for_all() -> None:
    assert TEXTS["en"]["headline.all"] == "Something for all of you"


def test_every_emotion_has_a_tone_and_every_tone_its_texts() -> None:
    assert set(TONES) == set(EMOTIONS)
    for table in TEXTS.values():
        for tone in {*TONES.values(), "all"}:
            assert f"headline.{tone}" in table
            assert f"word.{tone}" in table


def test_every_language_has_the_same_texts() -> None:
    assert set(TEXTS) == set(LANGUAGES)
    for table in TEXTS.values():
        assert set(table) == set(TEXTS["en"])
        assert all(text.strip() for text in table.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_speaks_about_the_person(language: str) -> None:
    facts = NoticeFacts("hub.lan", publishes_people=True, camera_host="a", player_host="b", page_open=True)
    for text in [*TEXTS[language].values(), *notice(facts, language), *notice(LOCAL, language)]:
        assert not forbidden(text), text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "You are happy.",
            "You're sad",
            "you\N{RIGHT SINGLE QUOTATION MARK}re angry",
            "Are you angry?",
            "A sad song",
            "No fear",
            "DISGUST!",
        ),
        *("feeling stressed", "Your mood is low", "Du bist fröhlich", "Sie sind wütend?", "Etwas gegen die Angst"),
        *("ein trauriges Lied", "Ärgerlich!", "ängstlich", "Bist du müde?", "dein Gesicht", "eine  wütende Katze"),
    ],
)
def test_the_rule_finds(text: str) -> None:
    assert forbidden(text)


@pytest.mark.parametrize("text", ["A saddle for two", "Fanfare", "Something for all of you", "Wutachschlucht", "made"])
def test_the_rule_leaves_alone(text: str) -> None:
    assert not forbidden(text)


# --- the notice ------------------------------------------------------------------------------------------------------


def test_all_on_loopback_says_that_nothing_leaves() -> None:
    assert "Nothing leaves this device." in notice(LOCAL, "en")
    assert "Nichts verlässt dieses Gerät." in notice(LOCAL, "de")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (NoticeFacts("hub.lan", publishes_people=True), "likes and skips, all without a name, by MQTT, to hub.lan."),
        (
            NoticeFacts("hub.lan", publishes_people=False),
            "counts and averages over several people, suggestions, likes and skips, by MQTT, to hub.lan",
        ),
        (NoticeFacts("", publishes_people=True, camera_host="hub.lan"), "by way of hub.lan"),
        (NoticeFacts("localhost", publishes_people=True, player_host="hifi.lan"), "go to hifi.lan"),
        (NoticeFacts("::1", publishes_people=True, page_open=True), "Other devices in this network can open this page"),
    ],
)
def test_what_leaves_is_named_with_its_host(facts: NoticeFacts, said: str) -> None:
    text = " ".join(notice(facts, "en"))
    assert said in text
    assert "Nothing leaves" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_hosts_stand_in_every_language(language: str) -> None:
    facts = NoticeFacts("hub.lan", publishes_people=True, player_host="hifi.lan")
    text = " ".join(notices(facts)[language])
    assert "hub.lan" in text
    assert "hifi.lan" in text


def test_feedback_is_mentioned_only_where_it_is_kept() -> None:
    kept = notice(LOCAL, "en")
    dropped = notice(NoticeFacts("", publishes_people=True, keeps_feedback=False), "en")
    assert [line for line in kept if line not in dropped] == [
        "Likes and skips are kept for the item, not for a person."
    ]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("", "localhost", "127.0.0.1", "127.1.2.3", "::1", "LOCALHOST.", "/run/mpd/socket")),
        *((host, False) for host in ("127.evil.example", "192.168.1.4", "localhost.evil.example", "hub", "1270.0.0.1")),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


# --- an installer's own texts ----------------------------------------------------------------------------------------


def test_good_own_texts_have_no_problem() -> None:
    assert problems({"en": {"idle.0": "Welcome to the museum."}, "de": {"idle.0": "Willkommen im Museum."}}) == []


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        ({"fr": {}}, "fr: no such language"),
        ({"en": ["x"]}, "en: must hold"),
        ({"en": {"idle.99": "x"}}, "en: idle.99: no such text"),
        ({"en": {"notice.short": "Nobody looks."}}, "is fixed"),
        ({"en": {"idle.0": ""}}, "must be a text of 1 to 200"),
        ({"en": {"idle.0": "x" * 201}}, "must be a text of 1 to 200"),
        ({"en": {"card.minutes": "short"}}, "`{minutes}` is missing"),
        ({"de": {"idle.0": "Warum so traurig?"}}, "`traurig*` is not allowed"),
    ],
)
def test_bad_own_texts_are_named(texts: dict[str, object], named: str) -> None:
    found = problems(texts)
    assert len(found) == 1
    assert named in found[0]
