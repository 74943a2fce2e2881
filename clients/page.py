"""The page about the programs, made from the records."""

import textwrap
from collections.abc import Iterator, Sequence

from clients.manners import MANNERS
from clients.programs import PROGRAMS
from clients.record import Ran, Record
from clients.upstreams import DIALECTS, KINDS, MOUNTED, UPSTREAMS

_INTRO = """\
# Client programs

[中文](zh/clients.md)

`./dev clients` runs real programs through a running gateway: each has one file written by a tool call that the program
carries out itself, then repeats the model's final text. Everything happens on loopback: the upstream is scripted. This
page is made from the files in `data/clients/` by `./dev clients --report docs/data/clients`; it is never typed.

```
./dev clients                                        # every program before the four kinds of upstream, about 6 minutes
./dev clients --program codex --program 'openai-*'   # some of them
./dev clients --upstream gemini --manner all --json  # one upstream, in every way to behave
./dev clients --upstream cohere                      # a vendor with a dialect of its own
./dev clients --list                                 # the programs, the upstreams, and the manners of an upstream
./dev clients --record FILE                          # what came of it, as it is kept in data/clients/
```

The first run installs the pinned programs into `.clients/` (1.5 GB; `clients/package-lock.json` and
`clients/requirements/*.txt` are the locks). It needs `npm` on PATH; the programs themselves run on a pinned Node.js 24,
where npm has it for the platform (Linux), else on the one on PATH, which must be 22 or later.

| program | speaks |
|---|---|
| `claude-code` | Messages |
| `codex`, `codex-websocket` | Responses over HTTP, and over a websocket |
| `gemini-cli` | Gemini |
| `openai-py-*`, `openai-js-*` | Chat Completions, Responses; `stored` goes on from a response that the service keeps |
| `anthropic-py-*`, `anthropic-js-*` | Messages with thinking; `runner` keeps its conversation in a thread |
| `genai-py-*`, `genai-js-*` | Gemini: functions called by the library, a chat, a stream |
| `aisdk-*` | the AI SDK's providers for OpenAI (both protocols), Anthropic and Google |
| `langchain-*` | LangChain's packages for the same |

A job is well when the program exits with 0, the file and the final text are right, the upstream refused nothing, the
gateway answered no error, and its records hold the tokens that the upstream counted. The logs of other jobs stay in
`.clients/jobs/`: what the program printed, all bytes between it and the gateway, and every request to the upstream.

| manner | the upstream |
|---|---|
| `strict` (default) | refuses unknown fields and whatever its vendor would refuse |
| `plain` | takes everything |
| `split` | writes its answers in pieces of five bytes |
| `bare` | no `event:` lines, no `[DONE]`, CRLF, comments, no length |
| `cut`, `short` | breaks off in the first answer, with the connection or as if it were complete; a program must \
say so or try again, and take nothing cut for whole |

A row also says when sealed reasoning came back to the upstream that made it. `--keep` leaves the logs of all jobs.

**Known limits.** Telemetry, updates and tracing are switched off, and whoever asks for a proxy finds a closed port; a
program that ignores both could still reach the network. Each job has 60 or 90 seconds. Only one job runs at a time.
"""
_CELLS = """\
A cell says how many losses the gateway reported in a job (the record has the kind and place of each), and `state` when
sealed reasoning came back to the upstream that made it. What went wrong stands as FAIL.
"""
_GROUPS = (
    ("The four protocols", KINDS, "The vendors whose protocols clients speak, strict."),
    ("Dialects", DIALECTS, "Vendors with a protocol that no client speaks, strict."),
    (
        "Platforms",
        MOUNTED,
        "Claude on Bedrock (InvokeModel) and on Vertex AI, Gemini on Vertex AI, strict.",
    ),
)
_OTHERS = {**DIALECTS, **MOUNTED}


def page(records: Sequence[Record]) -> str:
    """The page: what the command does, and what came of it, by programs and upstreams."""
    jobs = [job for one in records for job in one.jobs]
    lines = [_INTRO, "## Results", "", *_told(records), "", _CELLS]
    for title, group, about in _GROUPS:
        strict = [job for job in jobs if job.manner == "strict" and job.upstream in group]
        if strict:
            lines += [f"### {title}", "", f"{about} {_good(strict)}", "", *_matrix(strict, list(group)), ""]
    for title, group in (("Defective streams", KINDS), ("Defective streams of dialects and platforms", _OTHERS)):
        defective = [job for job in jobs if job.manner not in ("strict", "plain") and job.upstream in group]
        if defective:
            lines += [f"### {title}", "", *_by_manner(defective), ""]
    if any(job.problems for job in jobs):
        lines += ["### What went wrong", "", *_wrong(jobs), ""]
    return "\n".join(lines).rstrip() + "\n"


def _told(records: Sequence[Record]) -> Iterator[str]:
    """Which run each record is of, and the packages."""
    yield "| manner | upstreams | jobs | went well | commit | measured |"
    yield "|---|---|---|---|---|---|"
    for one in sorted(records, key=_order):
        manners = ", ".join(f"`{name}`" for name in MANNERS if any(job.manner == name for job in one.jobs))
        upstreams = [name for name in UPSTREAMS if any(job.upstream == name for job in one.jobs)]
        told = "the four" if upstreams == list(KINDS) else ", ".join(f"`{name}`" for name in upstreams)
        good = sum(not job.problems for job in one.jobs)
        yield f"| {manners} | {told} | {len(one.jobs)} | {good} | `{one.commit}` | {one.date} |"
    yield ""
    known = {name: package for one in records for name, package in one.packages.items()}
    from_npm = {known[one.name] for one in PROGRAMS if one.room == "node" and one.name in known}
    from_pypi = {known[one.name] for one in PROGRAMS if one.room != "node" and one.name in known}
    told = f"From npm: {', '.join(sorted(from_npm))}. From PyPI: {', '.join(sorted(from_pypi))}."
    yield from textwrap.wrap(told, 120, break_on_hyphens=False, break_long_words=False)


def _order(record: Record) -> tuple[int, int]:
    """By manners, then by upstreams."""
    first = record.jobs[0]
    return list(MANNERS).index(first.manner), list(UPSTREAMS).index(first.upstream)


def _good(jobs: Sequence[Ran]) -> str:
    return f"{sum(not job.problems for job in jobs)} of {len(jobs)} jobs went well."


def _matrix(jobs: Sequence[Ran], upstreams: Sequence[str]) -> Iterator[str]:
    shown = [name for name in upstreams if any(job.upstream == name for job in jobs)]
    yield "| program | " + " | ".join(f"`{name}`" for name in shown) + " |"
    yield "|---|" + "---|" * len(shown)
    found = {(job.program, job.upstream): job for job in jobs}
    for program in _programs(jobs):
        cells = " | ".join(_cell(found.get((program, name))) for name in shown)
        yield f"| `{program}` | {cells} |"


def _cell(job: Ran | None) -> str:
    if job is None:
        return "not run"
    if job.problems:
        return "**FAIL**"
    return f"{len(job.losses)}, state" if job.state else str(len(job.losses))


def _by_manner(jobs: Sequence[Ran]) -> Iterator[str]:
    """Programs by manners; a cell says how many upstreams went well."""
    upstreams = [name for name in UPSTREAMS if any(job.upstream == name for job in jobs)]
    yield f"Before {', '.join(f'`{name}`' for name in upstreams)}. {_good(jobs)}"
    yield ""
    manners = [name for name in MANNERS if any(job.manner == name for job in jobs)]
    yield "| program | " + " | ".join(f"`{name}`" for name in manners) + " |"
    yield "|---|" + "---|" * len(manners)
    for program in _programs(jobs):
        cells = [[job for job in jobs if (job.program, job.manner) == (program, name)] for name in manners]
        told = (f"{sum(not job.problems for job in cell)} of {len(cell)}" for cell in cells)
        yield f"| `{program}` | {' | '.join(told)} |"


def _wrong(jobs: Sequence[Ran]) -> Iterator[str]:
    yield "| program | upstream | manner | what |"
    yield "|---|---|---|---|"
    for job in jobs:
        for problem in job.problems:
            yield f"| `{job.program}` | `{job.upstream}` | `{job.manner}` | {problem.replace('|', '&#124;')} |"


def _programs(jobs: Sequence[Ran]) -> list[str]:
    ran = {job.program for job in jobs}
    return [one.name for one in PROGRAMS if one.name in ran]
