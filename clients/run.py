"""Runs one program before one upstream, and judges what came of it."""

import os
import shutil
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from clients.job import CONTENT, KEY, MODEL, Job
from clients.manners import Manner
from clients.model import TOKENS, JobModel
from clients.program import INSTALLED, Program
from clients.staged import StagedModel
from clients.tap import Tap
from clients.upstreams import UPSTREAMS, Service
from twoapi.config import parse
from twoapi.gateway.record import Record
from twoapi.ir import Loss
from twoapi.testing.fake_upstream import FakeUpstream, closed_port
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.strict import Refusal

JOBS = INSTALLED / "jobs"
_CONFIG = """
listen: 127.0.0.1:0
store: sqlite:///{folder}/twoapi.db
keys: [{{key: {key}, name: clients}}]
"""


@dataclass(kw_only=True)
class Outcome:
    """What came of one job. `problems` is empty when all is well; `folder` then exists no more.

    `losses` are what the gateway told of its conversions, `state`: what the model sealed came back to it.
    """

    program: str
    upstream: str
    manner: str
    seconds: float = 0.0
    exchanges: int = 0
    losses: list[str] = field(default_factory=list)
    state: bool = False
    problems: list[str] = field(default_factory=list)
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended; `status` None when its time was over."""

    status: int | None
    output: str
    errors: str


def run_job(program: Program, upstream: str, manner: Manner, *, keep: bool = False, jobs: Path = JOBS) -> Outcome:
    """Runs the program before one of UPSTREAMS, and tells how that went; `keep`: with logs in any case."""
    service = UPSTREAMS[upstream]
    folder = jobs / f"{program.name}-{upstream}-{manner.name}"
    shutil.rmtree(folder, ignore_errors=True)
    outcome = Outcome(program=program.name, upstream=upstream, manner=manner.name, folder=str(folder))
    started = time.monotonic()
    with ExitStack() as stack:
        mark = f"{zlib.crc32(folder.name.encode()):08x}"
        job = Job(folder=folder, url="", mark=mark)
        for path in (job.home, job.work, folder / "tmp"):
            path.mkdir(parents=True)
        model = _model(job, service, manner)
        strict = manner.strict and service.vendor is None  # a vendor's fake judges by itself
        fake = stack.enter_context(FakeUpstream(manner.handler(model), strict=strict, key=service.key))
        config = _CONFIG.format(folder=folder, key=KEY) + service.config(fake, MODEL)
        gateway = stack.enter_context(RunningGateway(parse(config, "twoapi.yaml", {})))
        tap = stack.enter_context(Tap(gateway.port))
        job = Job(folder=folder, url=tap.url, mark=mark)
        program.prepare(job)
        ended = _run(program, job)
        gateway.stop()
        records = gateway.collected.records
    outcome.seconds = time.monotonic() - started
    outcome.exchanges, outcome.state = len(records), model.state_came_back
    outcome.losses = sorted({_told(loss) for record in records for loss in record.losses or []})
    if manner.breaks:
        outcome.problems = list(_dishonesty(program, job, ended))
    else:
        found = [
            *_program_problems(program, job, ended, model),
            *_gateway_problems(program, records, tap.statuses, [*fake.refusals, *model.refusals]),
        ]
        outcome.problems = list(dict.fromkeys(found))
    if outcome.problems or keep:
        _keep(folder, ended, tap, fake, records)
    else:
        shutil.rmtree(folder)
        outcome.folder = ""
    return outcome


def _model(job: Job, service: Service, manner: Manner) -> JobModel:
    if service.vendor is None:
        return JobModel(job, shown=not manner.strict)
    return StagedModel(job, service, strict=manner.strict)


def _run(program: Program, job: Job) -> Ended:
    process = subprocess.Popen(
        program.command(job),
        cwd=job.work,
        env=_environment(job) | dict(program.variables(job)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    try:
        output, errors = process.communicate(timeout=program.seconds)
        status: int | None = process.returncode
    except subprocess.TimeoutExpired:
        status = None
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
    _end_group(process.pid)
    return Ended(status=status, output=output.decode(errors="replace"), errors=errors.decode(errors="replace"))


def _end_group(group: int) -> None:
    """Ends what the program left behind."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _environment(job: Job) -> dict[str, str]:
    """What every program gets. Whoever asks for a proxy finds a closed port, so that only loopback is reached."""
    nowhere = f"http://127.0.0.1:{closed_port()}"
    room = INSTALLED / "node" / "node_modules" / ".bin"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"), nowhere)
    return {
        "PATH": f"{room}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(job.home),
        "TMPDIR": str(job.folder / "tmp"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "CI": "1",
        "DO_NOT_TRACK": "1",
        "LANGSMITH_TRACING": "false",
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
        **proxies,
    }


def _told(loss: Loss) -> str:
    return f"{loss.kind} {loss.path}"


# --- Judging --------------------------------------------------------------------------------------


def _program_problems(program: Program, job: Job, ended: Ended, model: JobModel) -> Iterator[str]:
    if ended.status != 0:
        last = (ended.errors.strip() or "nothing").splitlines()[-1][-200:]
        how = "had to be ended" if ended.status is None else f"ended with {ended.status}"
        yield f"the program {how}: {last}"
    said = _said(program, ended)
    if not said.endswith(job.final):
        yield f"the program said {said[-200:]!r}, not {job.final!r}"
    written = job.file.read_text() if job.file.exists() else None
    if written != CONTENT:
        yield f"the file holds {written!r}"
    if not all(model.results):
        yield "a result came back empty"


def _dishonesty(program: Program, job: Job, ended: Ended) -> Iterator[str]:
    """What is wrong with a program's end when an answer was cut: it hangs, or takes the rest for the whole."""
    if ended.status is None:
        yield "the program's time was over"
    elif ended.status == 0 and not _said(program, ended).endswith(job.final):
        yield f"the program took a cut answer for a whole one: {ended.output[-200:]!r}"


def _said(program: Program, ended: Ended) -> str:
    try:
        return program.said(ended.output).strip()
    except (ValueError, LookupError, StopIteration) as error:
        return f"({error!r}: {(ended.errors or ended.output)[-300:]})"


def _gateway_problems(
    program: Program, records: list[Record], statuses: list[int], refusals: list[Refusal]
) -> Iterator[str]:
    for refusal in refusals:
        yield f"the upstream refused: {refusal.at}: {refusal.message}"
    if program.socket and 101 not in statuses:
        yield "no websocket was opened"
    for status in statuses:
        if status >= 400:
            yield f"the gateway answered {status}"
    for record in records:
        if record.outcome != "ok":
            yield f"an exchange was {record.outcome}: {record.status} {record.fault}"
        elif record.usage is not None and (told := _counts(record)) != _COUNTS:
            yield f"the tokens were {told}, not {_COUNTS}"


def _counts(record: Record) -> tuple[int, int]:
    """Tokens in and out, however they were told apart."""
    usage = record.usage
    assert usage is not None  # noqa: S101  asked before
    given = (usage.input, usage.cache_read, usage.cache_write)
    return sum(count or 0 for count in given), sum(count or 0 for count in (usage.output, usage.reasoning))


_COUNTS = (TOKENS.input + TOKENS.cached + TOKENS.written, TOKENS.output + TOKENS.reasoning)


def _keep(folder: Path, ended: Ended, tap: Tap, fake: FakeUpstream, records: list[Record]) -> None:
    """Leaves what is needed to see what went wrong."""
    (folder / "stdout").write_text(ended.output)
    (folder / "stderr").write_text(ended.errors)
    (folder / "client-gateway").write_bytes(tap.transcript())
    (folder / "records.json").write_bytes(msgspec.json.format(msgspec.json.encode(records)))
    lines = [f"{one.method} {one.path}?{one.query}\n{one.headers}\n".encode() + one.body for one in fake.requests]
    (folder / "gateway-upstream").write_bytes(b"\n\n".join(lines))
