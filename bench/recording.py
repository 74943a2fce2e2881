"""The recorded run: what later runs are compared with, and what docs/performance.md shows."""

import datetime as dt
import os
import platform
import shutil
import subprocess
from pathlib import Path

import msgspec

from bench.processes import ROOT
from bench.results import Figure

PATH = ROOT / "bench" / "recorded.json"


class Machine(msgspec.Struct, frozen=True):
    """What the figures were measured on."""

    processor: str
    cores: int
    kernel: str
    python: str
    nginx: str
    load: str
    load_average: float  # before the run


class Recording(msgspec.Struct, frozen=True):
    """A whole run."""

    date: str
    machine: Machine
    rounds: int
    seconds: int
    figures: list[Figure]


def this_machine() -> Machine:
    """What this run is measured on."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return Machine(
        processor=names[0] if names else platform.machine(),
        cores=os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        nginx=nginx_version(),
        load="wrk" if shutil.which("wrk") else "bench.load",
        load_average=round(os.getloadavg()[0], 2),
    )


def nginx_version() -> str:
    """The version that nginx tells, or nothing."""
    if shutil.which("nginx") is None:
        return ""
    told = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr
    return told.strip().rpartition("/")[2]


def recorded() -> Recording | None:
    """The recorded run, if there is one."""
    return msgspec.json.decode(PATH.read_bytes(), type=Recording) if PATH.exists() else None


def new_recording(figures: list[Figure], machine: Machine, rounds: int, seconds: int) -> Recording:
    """Today's run, with figures rounded to what is worth reading."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return Recording(today, machine, rounds, seconds, [rounded(figure) for figure in figures])


def rounded(figure: Figure) -> Figure:
    """Four significant digits are more than the spread allows."""
    plain = msgspec.to_builtins(figure)
    for spread in filter(None, (plain["value"], plain.get("ratio"))):
        spread |= {name: float(f"{value:.4g}") for name, value in spread.items()}
    return msgspec.convert(plain, Figure)


def write(recording: Recording, path: Path = PATH) -> None:
    """Write a run, one figure per line so that a change can be read."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(recording), indent=1) + b"\n")
