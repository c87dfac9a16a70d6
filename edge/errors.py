"""One tree of errors and what each leads to. Every message says what to do next.

    EdgeError                 exit  what happens
    +- ConfigError             78   all mistakes printed at once; systemd does not restart (RestartPreventExitStatus)
    +- ModelError              78   the model file does not fit its card; systemd does not restart
    +- CameraError              -   a source failed cleanly: reopened with back-off inside the process
    |  +- CameraMissing        78   the back end of the source cannot be loaded on this machine
    +- CameraStalled           75   no frame for too long: a fresh process is the only cure for a hung driver
    |                               (75 is also the status of a restart that was asked for)
    +- InputError               1   a file given on the command line cannot be read: named, the rest is done
    +- WebError                 -   the page cannot be served: logged and retried (edge/web/settings.py)
    +- BrokerError              -   logged and retried with back-off; inference goes on

Anything else is a bug: it ends the process with its traceback and exit status 70.
"""

from __future__ import annotations

EXIT_INPUT = 1
EXIT_BUG = 70
EXIT_STALLED = 75
EXIT_CONFIG = 78


class EdgeError(Exception):
    """Base of all errors that Moodcast raises on purpose."""

    exit_status: int = EXIT_INPUT


class ConfigError(EdgeError):
    """The configuration cannot be used. ``problems`` holds one line for each mistake."""

    exit_status = EXIT_CONFIG

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ModelError(EdgeError):
    """A model file and its card do not fit each other, or this version of Moodcast."""

    exit_status = EXIT_CONFIG


class CameraError(EdgeError):
    """A source failed or ended cleanly and may be opened again."""


class CameraMissing(CameraError):
    """What the source needs is not installed on this machine; trying again would not help."""

    exit_status = EXIT_CONFIG


class CameraStalled(EdgeError):
    """The camera gives no frames and does not fail either."""

    exit_status = EXIT_STALLED


class InputError(EdgeError):
    """A file or folder named by the user cannot be read."""


class BrokerError(EdgeError):
    """The MQTT broker is away or refuses."""
