"""What may stand in tracked files, and what the locks and the wheel hold."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]

# Spelled in pieces, so that this file does not find itself.
PRIVATE_TEXT = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "python" + "hosted",
            "npm" + r"js\.(org|com)",
            r"registry\." + "yarnpkg",
            r"(?<![\w.$}])/" + "work/",
            r"(?<![\w.$}])/" + "root/",
            "--(extra-)?" + "index-url",
        ]
    ).encode()
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:  # an unpacked archive: all but environments and caches
        within = {path: path.relative_to(ROOT).parts for path in ROOT.rglob("*") if path.is_file()}
        return [path for path, parts in within.items() if parts[0] == ".ci" or not parts[0].startswith(".")]
    return [path for name in listed.stdout.split(b"\0") if name and (path := ROOT / os.fsdecode(name)).is_file()]


def test_no_registry_and_no_private_path_in_tracked_files() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}: {line.strip()[:120]!r}"
        for path in tracked_files()
        if PRIVATE_TEXT.search(body := path.read_bytes())
        for number, line in enumerate(body.splitlines(), 1)
        if PRIVATE_TEXT.search(line)
    ]
    assert found == []


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    return dict(re.findall(r"(?m)^([a-z0-9-]+)==([^\s;]+)", text))


def test_every_locked_distribution_has_a_hash() -> None:
    for name in ("serve", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        entries = re.split(r"(?m)^(?=[a-z0-9-]+==)", text)[1:]
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_runtime_lock_is_a_part_of_the_dev_lock() -> None:
    assert locked("serve").items() <= locked("dev").items()


def test_the_locks_satisfy_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    core = project["project"]["dependencies"]
    extras = [line for lines in project["project"]["optional-dependencies"].values() for line in lines]
    for name, wanted in {"serve": core, "dev": [*core, *extras, *project["dependency-groups"]["dev"]]}.items():
        have = locked(name)
        stale = [str(one) for one in map(Requirement, wanted) if have.get(one.name.lower(), "") not in one.specifier]
        assert stale == [], f"requirements/{name}.txt is stale: run ./dev lock"


def test_every_protocol_is_in_the_contract_that_keeps_protocols_apart() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one.get("containers") == ["twoapi.protocols"]]
    listed = set(re.findall(r"\w+", " ".join(contract["layers"])))
    packages = {path.parent.name for path in (ROOT / "src/twoapi/protocols").glob("*/__init__.py")}
    assert packages <= listed


def test_the_core_stays_at_15_distributions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    served = {Requirement(line).name for extra in ("compression", "websocket") for line in extras[extra]}
    assert served <= set(locked("serve"))  # `./dev serve` has them
    assert len(set(locked("serve")) - served) <= 15


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "twoapi/py.typed" in names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"twoapi"}
