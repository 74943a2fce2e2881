"""What the programs of a few lines share: they read the job from the environment and print the final text."""

from clients.job import KEY, MODEL, Job
from clients.program import Program, script


def scripted(name: str, package: str, protocol: str, file: str, *arguments: str) -> Program:
    """A script of `clients/scripts`, run in the environment of its library, which is in `package`."""

    def command(_job: Job) -> list[str]:
        return [*script(file), *arguments]

    def variables(job: Job) -> dict[str, str]:
        return {"GATEWAY_URL": job.url, "GATEWAY_KEY": KEY, "GATEWAY_MODEL": MODEL, "JOB_PROMPT": job.prompt}

    room = "node" if file.endswith(".mjs") else "langchain" if file.startswith("langchain") else "sdks"
    return Program(name=name, protocol=protocol, room=room, package=package, command=command, variables=variables)
