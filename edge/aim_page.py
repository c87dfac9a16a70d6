"""The aiming view in a browser on this machine: three small files and the figures, nothing else. Loopback only."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edge.core.wire import Payload
from edge.errors import InputError

_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Moodcast: aim</title><link rel="stylesheet" href="/aim.css"></head>
<body><h1>Aim</h1><canvas id="view" role="img" aria-label="Boxes of the faces, without the picture"></canvas>
<p id="figures" role="status">waiting for the camera</p>
<p>No picture is sent to this page: only positions and figures.</p><script src="/aim.js"></script></body></html>
"""
_CSS = """body{font:16px/1.5 sans-serif;margin:1rem;background:#111;color:#eee}
canvas{width:100%;max-width:960px;border:1px solid #888;background:#000}
"""
_JS = """const canvas = document.getElementById('view'), figures = document.getElementById('figures');
function draw(s) {
  canvas.width = s.width_px; canvas.height = s.height_px;
  const pen = canvas.getContext('2d');
  pen.lineWidth = Math.max(2, s.width_px / 300); pen.font = `${Math.max(14, s.width_px / 40)}px sans-serif`;
  for (const b of Object.values(s.boxes)) {
    const px = Math.round(Math.min(b.width, b.height)), small = px < s.readable_px;
    pen.strokeStyle = pen.fillStyle = small ? '#ffb000' : '#7cf';
    pen.strokeRect(b.x, b.y, b.width, b.height);
    pen.fillText(`${px} px${small ? ' too small' : ''}`, b.x + 4, b.y - 6 > 14 ? b.y - 6 : b.y + b.height + 20);
  }
  figures.textContent = `${s.width_px} x ${s.height_px}, ${s.frames_per_s} frames/s, brightness ${s.brightness}, ` +
    `sharpness ${s.sharpness} of ${s.sharpest}, faces: ${Object.keys(s.boxes).length}. ${s.hint}`;
}
async function turn() {
  try {
    const answer = await fetch('/aim.json', {cache: 'no-store'});
    if (answer.status === 200) draw(await answer.json());
  } catch (error) { figures.textContent = 'moodcast aim has ended'; }
  setTimeout(turn, 150);
}
turn();
"""
_FILES = {
    "/": ("text/html; charset=utf-8", _HTML),
    "/aim.css": ("text/css; charset=utf-8", _CSS),
    "/aim.js": ("text/javascript; charset=utf-8", _JS),
}
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class AimServer:
    """Serves the newest figures on 127.0.0.1. Raises InputError when the port is taken."""

    def __init__(self, port: int) -> None:
        self._newest = b""
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        except (OSError, OverflowError) as error:  # OverflowError: above 65535
            why = getattr(error, "strerror", None) or error
            raise InputError(f"--web {port}: {why}; choose another port, 0 takes any free one") from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def show(self, figures: Payload) -> None:
        self._newest = json.dumps(figures, allow_nan=False).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # A page of somebody else that points its own name at this machine (DNS rebinding) sends that name.
                if self.headers.get("host", "") not in (f"127.0.0.1:{outer.port}", f"localhost:{outer.port}"):
                    self._answer(403, "text/plain", b"ask for 127.0.0.1 or localhost\n")
                elif self.path == "/aim.json":
                    status = 200 if outer._newest else 204
                    self._answer(status, "application/json", outer._newest)
                elif self.path in _FILES:
                    kind, text = _FILES[self.path]
                    self._answer(200, kind, text.encode())
                else:
                    self._answer(404, "text/plain", b"not here\n")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                for name, value in {**_HEADERS, "content-type": kind, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return None

        return Handler
