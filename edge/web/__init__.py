"""The kiosk page and its server."""

from edge.web.server import KioskServer
from edge.web.settings import Feedback, WebError, WebSettings

__all__ = ["Feedback", "KioskServer", "WebError", "WebSettings"]
