"""Exit 0 when HOST can be reached by the addresses that the unit lets through: ``is_local.py HOST UNIT``, else 1.

UNIT is the file of moodcast-sense.service, whose ``IPAddressAllow=`` counts. A name that nobody knows (yet) is local
when it looks like one of a home's or company's own network.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from pathlib import Path

_WORDS = {"localhost": "127.0.0.0/8 ::1/128", "link-local": "169.254.0.0/16 fe80::/64"}
_LOCAL_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain", ".fritz.box")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def allowed(unit: str) -> list[Network]:
    """The networks of the unit's IPAddressAllow= lines."""
    lines = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("IPAddressAllow=")]
    words = " ".join(_WORDS.get(word, word) for word in " ".join(lines).split())
    return [ipaddress.ip_network(word) for word in words.split()]


def addresses(host: str) -> list[str]:
    """Raises OSError when nobody knows the name."""
    return [str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None)]


def is_local(host: str, networks: list[Network], resolve: Callable[[str], list[str]] = addresses) -> bool:
    """One address within the networks is enough: the daemon tries them all."""
    try:
        found = [ipaddress.ip_address(address) for address in resolve(host)]
    except OSError:
        return "." not in host or host.lower().endswith(_LOCAL_NAMES)
    return any(address in network for address in found for network in networks)


if __name__ == "__main__":
    sys.exit(0 if is_local(sys.argv[1], allowed(Path(sys.argv[2]).read_text())) else 1)
