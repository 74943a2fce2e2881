"""References in settings: `${NAME}`, `${env:NAME}`, `${env:NAME:-default}`, `${file:/path}`, `${cred:name}`."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from twoapi.wire.fit import Expansion

_REFERENCE = re.compile(r"\$(\$\{|\{([^}]*)\})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_MAX_FILE = 64 * 1024


class _UnresolvedError(Exception):
    """A reference that leads nowhere; the message says what and how to mend it."""


def expander(environ: Mapping[str, str]) -> Callable[[str], Expansion]:
    """Resolves every reference in a text; `$${` stands for a literal `${`."""

    def expand(text: str) -> Expansion:
        try:
            return Expansion(_REFERENCE.sub(lambda found: _resolve(found, environ), text))
        except _UnresolvedError as error:
            return Expansion("", str(error))

    return expand


def _resolve(found: re.Match[str], environ: Mapping[str, str]) -> str:
    inside = found[2]
    if inside is None:
        return "${"
    kind, colon, rest = inside.partition(":")
    if not colon:
        return _variable(inside, None, environ)
    match kind:
        case "env":
            name, has_default, default = rest.partition(":-")
            return _variable(name, default if has_default else None, environ)
        case "file":
            return _file(Path(rest))
        case "cred":
            folder = environ.get("CREDENTIALS_DIRECTORY")
            if not folder:
                raise _UnresolvedError("${cred:...} needs $CREDENTIALS_DIRECTORY, which systemd sets for its services")
            if "/" in rest or rest in {"", ".", ".."}:
                raise _UnresolvedError("${cred:...} takes the name of one credential")
            return _file(Path(folder, rest))
        case _:
            raise _UnresolvedError("unknown kind of reference; use ${NAME}, ${env:NAME}, ${file:/path} or ${cred:name}")


def _variable(name: str, default: str | None, environ: Mapping[str, str]) -> str:
    if _NAME(name) is None:
        raise _UnresolvedError("a reference names an environment variable, as in ${OPENAI_API_KEY}")
    value = environ.get(name) or default
    if value is None:
        mend = f"export it, or write ${{env:{name}:-default}}"
        raise _UnresolvedError(f"the environment variable {name} is not set or empty; {mend}")
    return value


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE + 1)
        text = content.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise _UnresolvedError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _UnresolvedError(f"{path} is not UTF-8 text") from None
    if len(content) > _MAX_FILE:
        raise _UnresolvedError(f"{path} is larger than {_MAX_FILE} bytes: no secret is")
    return text
