"""Installs the pinned programs into `.clients/`, each room once for each of its lock files."""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from clients.program import INSTALLED, NODE_MODULES, SCRIPTS, node

_HERE = Path(__file__).parent
_NODE_FILES = ("package.json", "package-lock.json", ".npmrc")
_OLDEST_NODE = 22


class InstallError(Exception):
    """What is missing, and how to get it."""


def install(room: str) -> None:
    """Make `.clients/ROOM` what its lock file says, if it is not. Raises InstallError."""
    locks = [_HERE / name for name in _NODE_FILES] if room == "node" else [_HERE / "requirements" / f"{room}.txt"]
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    folder = INSTALLED / room
    stamp = folder / ".stamp"
    if not stamp.is_file() or stamp.read_text() != wanted:
        started = time.monotonic()
        print(f"clients: installing {room} ...", file=sys.stderr, flush=True)
        if room == "node":
            _install_node(folder)
        else:
            _install_python(folder, locks[0])
        stamp.write_text(wanted)
        print(f"clients: {room} is ready after {time.monotonic() - started:.0f} s", file=sys.stderr)
    if room == "node":
        _copy_scripts(folder)


def _install_node(folder: Path) -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise InstallError(
            "no node and npm on PATH. Install Node.js 22 or later (Debian, Ubuntu: apt-get install nodejs npm; Fedora: "
            "dnf install nodejs; macOS: brew install node), or choose programs in Python with --program"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in _NODE_FILES:
        shutil.copy(_HERE / name, folder / name)
    # Scripts of packages do not run (see .npmrc). Claude Code's own only links its binary into its place.
    _run(["npm", "ci", "--no-progress", "--loglevel=error"], folder)
    _check_node()
    _run([node(), str(NODE_MODULES / "@anthropic-ai" / "claude-code" / "install.cjs")], folder)


def _check_node() -> None:
    version = _run([node(), "--version"], NODE_MODULES).strip().removeprefix("v")
    if int(version.split(".")[0]) < _OLDEST_NODE:
        raise InstallError(f"Node.js {version} is too old for the programs: {_OLDEST_NODE} or later is needed on PATH")


def _copy_scripts(folder: Path) -> None:
    """A module finds its packages from where it lies."""
    (folder / "scripts").mkdir(exist_ok=True)
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, folder / "scripts" / script.name)


def _install_python(folder: Path, lock: Path) -> None:
    _run([sys.executable, "-m", "venv", "--clear", str(folder)], INSTALLED.parent)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(lock)], INSTALLED.parent)


def _run(command: list[str], folder: Path) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        told = (ended.stderr or ended.stdout).strip()[-2000:]
        raise InstallError(f"`{' '.join(command)}` ended with {ended.returncode}:\n{told}")
    return ended.stdout
