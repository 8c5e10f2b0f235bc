"""`make demo`: a scripted agent in a sandbox, the origin it talks to, and what came of it, step by step."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from origin_tls import server_context

HERE = Path(__file__).parent
DEMO = HERE.parent / ".demo"
HOST = "api.demo.example"
FAKE_KEY = "sk-ant-" + "api03-" + "Zx9Kq2Lm8Np4Rt6Vw1Yb3Cd5Ef7Gh0Jk" * 2 + "mN4pQ6rS8tU0vW2xY4zA6bC8dE0" + "wAA"
"""Made here so that no scanner trips over the repository. It opens nothing."""


class Origin(BaseHTTPRequestHandler):
    """The far side: keeps what arrived."""

    arrived: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"{self.requestline}\n{self.headers}".rstrip()
        self.arrived.append(f"{head}\n\n{body.decode()}")
        answer = json.dumps({"reply": "done", "seen": len(body)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        return


def main() -> int:
    shutil.rmtree(DEMO, ignore_errors=True)
    project = DEMO / "leaky-app"
    shutil.copytree(HERE / "leaky-app", project)
    (project / ".env").write_text(f"DEMO_API_KEY={FAKE_KEY}\n")
    git(project, "init", "-q")
    git(project, "add", "app.py", "README.md", "NOTES.old", "tests")
    git(project, "-c", "user.name=Demo", "-c", "user.email=demo@localhost", "commit", "-qm", "Start")
    with serving() as port:
        write_policy(port)
        chosen = runtime()
        title("vibedom run: the agent works in a sandbox")
        done = vibedom(
            "run",
            str(project),
            "--on-findings",
            "continue",
            *chosen,
            "--name",
            "demo",
            "--no-apply",
            "--",
            "sh",
            "-c",
            (HERE / "agent.sh").read_text(),
            "agent",
            f"https://{HOST}",
        )
        if done != 0:
            return done
    title("What the origin really received")
    print(indented("\n".join(Origin.arrived) or "nothing"))
    title("What was blocked, in the audit log")
    vibedom("logs", "demo", "--blocked")
    title("The diff")
    vibedom("diff", "demo")
    title("Take it home: dangerous paths are held back")
    vibedom("apply", "demo", "--all", "--yes")
    print(indented((project / "app.py").read_text()))
    title("The audit log verifies")
    vibedom("audit", "verify", "demo")
    return check(project)


def check(project: Path) -> int:
    """The demo's own promises: it fails where one is broken."""
    logs = b"".join(path.read_bytes() for path in (DEMO / "home" / "sessions" / "demo").glob("*.jsonl"))
    promises = {
        "the origin got the request": bool(Origin.arrived),
        "the key is not in what the origin got": FAKE_KEY not in "".join(Origin.arrived),
        "the key is in no log": FAKE_KEY.encode() not in logs,
        "the agent's edit came home": "Hello there" in (project / "app.py").read_text(),
        "its new file came home": (project / "docs" / "usage.md").exists(),
        "its deletion came home": not (project / "NOTES.old").exists(),
        "its git hook did not": not (project / ".git" / "hooks" / "pre-commit").exists(),
    }
    title("Kept promises")
    for text, is_kept in promises.items():
        print(f"  {'yes' if is_kept else 'NO '}  {text}")
    print(f"\n  logs: {DEMO / 'home' / 'sessions' / 'demo'}")
    return 0 if all(promises.values()) else 1


def runtime() -> tuple[str, ...]:
    """`RUNTIME=docker` or `local`; else docker where an engine answers (its image is built first), else local."""
    chosen = os.environ.get("RUNTIME", "auto")
    if chosen != "local" and engine_answers():
        title("The sandbox image (built once)")
        built = vibedom("image", "build", quiet=True)
        if built != 0:
            print("  no image registry can be reached: the image is made from Debian's packages", flush=True)
            built = vibedom("image", "build", "--from", "debian")
        if built == 0:
            return ("--runtime", "docker")
    return ("--runtime", "local") if chosen == "auto" else ("--runtime", chosen)


def engine_answers() -> bool:
    done = subprocess.run(["docker", "version"], capture_output=True, check=False) if shutil.which("docker") else None
    return done is not None and done.returncode == 0


def write_policy(port: int) -> None:
    config = DEMO / "home" / "config"
    config.mkdir(parents=True, mode=0o700)
    (config / "trusted_domains.txt").write_text("@registries\n")
    (config / "policy.toml").write_text(
        f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{port}"\nca = "{DEMO / "origin-ca.pem"}"\n'
    )


class serving:
    """The origin, on a free port of this machine's loopback, with TLS."""

    def __enter__(self) -> int:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
        context = server_context(HOST, DEMO)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return int(self.server.server_address[1])

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()


def vibedom(*arguments: str, quiet: bool = False) -> int:
    sys.stdout.flush()
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        [sys.executable, "-m", "vibedom", *arguments],
        env={**os.environ, "VIBEDOM_HOME": str(DEMO / "home")},
        stdout=output,
        stderr=output,
        check=False,
    ).returncode


def git(project: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(project), *arguments], check=True)


def title(text: str) -> None:
    print(f"\n== {text} ==", flush=True)


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
