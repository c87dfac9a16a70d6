"""Whether the page's port answers as ours, or is free for it."""

from __future__ import annotations

import http.client
import json
import socket

from edge.doctor.check import Check, green, red, skipped

_WAIT_S = 3.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to ask when it listens everywhere


def page_check(host: str, port: int, *, enabled: bool) -> Check:
    if not enabled:
        return skipped("page", "kiosk.enabled is false")
    if port == 0:
        return skipped("page", "kiosk.port is 0: any free port is taken")
    address = _ANY.get(host, host)
    if _answers(address, port):
        return green("page", f"answers at http://{address}:{port}/")
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return green("page", f"port {port} is free: the companion does not run")
    except OSError as error:
        remedy = (
            f"something else uses port {port}: find it with ss -ltnp 'sport = :{port}' and stop it, or set kiosk.port "
            "to another one and restart moodcast-companion"
        )
        return red("page", f"{host}:{port}: {error.strerror or error}, and no page of ours answers", remedy)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_WAIT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read(1024)) == {"ok": True}
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
