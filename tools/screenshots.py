"""Takes the README's pictures of the kiosk page: the real page and server, cards chosen from the shipped catalogue.

python tools/screenshots.py     (needs Debian's chromium and the dev environment; writes docs/images/*.webp)
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edge.catalogue import load_catalogue  # noqa: E402
from edge.core.notice import NoticeFacts, notices  # noqa: E402
from edge.core.recommend import Index, recommend  # noqa: E402
from edge.core.suggestion import Situation  # noqa: E402
from edge.core.view import Card, Playing, View  # noqa: E402
from edge.web.server import KioskServer  # noqa: E402
from edge.web.settings import WebSettings  # noqa: E402

SIZE_PX = (1280, 720)
SETTLE_MS = 2800  # fades take at least 0.8 s
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
HAPPY = Situation(valence=0.7, arousal=0.4, confidence=0.9, emotion="happy", hour=15, weekday=5)
TWO = Situation(people=2, confidence=0.9, hour=15, weekday=5)


def views() -> dict[str, View]:
    """The page at rest, with a happy visitor, and with two."""
    index = Index(load_catalogue([ROOT / "config" / "catalogue.yaml"], cache_dir=None).items)

    def cards(situation: Situation) -> tuple[Card, ...]:
        return tuple(Card.of(choice) for choice in recommend(situation, index, n=3))

    happy = cards(HAPPY)
    playing = next((Playing(card.id, card.title) for card in happy if card.kind == "music"), None)
    return {
        "idle": View("idle"),
        "kiosk": View("cards", "bright", "bright", "", happy, playing=playing),
        "two": View("cards", "all", "all", "", cards(TWO)),
    }


def main() -> None:
    out = ROOT / "docs" / "images"
    out.mkdir(exist_ok=True)
    server = KioskServer(WebSettings(port=0, notice=notices(NoticeFacts("", True))))
    server.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_page(viewport={"width": SIZE_PX[0], "height": SIZE_PX[1]})
        for name, view in views().items():
            server.show(view.as_dict())
            page.goto(server.address)
            page.wait_for_timeout(SETTLE_MS)
            png = np.frombuffer(page.screenshot(), np.uint8)
            cv2.imwrite(str(out / f"{name}.webp"), cv2.imdecode(png, cv2.IMREAD_COLOR), [cv2.IMWRITE_WEBP_QUALITY, 82])
            print(out / f"{name}.webp")
        browser.close()
    server.stop(2.0)


if __name__ == "__main__":
    main()
