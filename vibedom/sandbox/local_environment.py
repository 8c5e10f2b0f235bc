"""The environment of every process in a local sandbox. Nothing of the supervisor's own environment is in it."""

from vibedom.sandbox import local_etc, trust
from vibedom.sandbox.runtime import HOME_MOUNT, Command, SandboxSpec

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def for_command(command: Command, spec: SandboxSpec, proxy_url: str, shell: str) -> dict[str, str]:
    """Defaults, trust and proxy, then what the session and the command say themselves."""
    return (
        {
            "PATH": f"{HOME_MOUNT}/.local/bin:{_PATH}",
            "HOME": HOME_MOUNT,
            "USER": local_etc.AGENT,
            "LOGNAME": local_etc.AGENT,
            "SHELL": shell,
            "LANG": "C.UTF-8",
            "HOSTNAME": local_etc.HOSTNAME,
        }
        | ({"TERM": "xterm-256color"} if command.tty else {})
        | trust.environment(proxy_url)
        | dict(spec.environment)
        | dict(command.environment)
    )
