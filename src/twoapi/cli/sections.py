"""The structs of the settings, in the order of the settings reference, and where each stands in the file."""

import msgspec

from twoapi.config.settings import (
    CandidateSettings,
    CredentialSettings,
    KeySettings,
    Limits,
    MediaSettings,
    ModelSettings,
    Rule,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from twoapi.protocols.capabilities import Capabilities
from twoapi.providers.model import Auth
from twoapi.providers.services import Service


class Section(msgspec.Struct, frozen=True):
    """A struct of the settings, and where it stands in the file. What its fields mean stands in the struct itself."""

    kind: type[msgspec.Struct]
    title: str
    about: str


SECTIONS: tuple[Section, ...] = (
    Section(Settings, "The top level", "Every member may be left out; an empty file is a gateway without upstreams."),
    Section(
        UpstreamSettings,
        "upstreams.NAME",
        "A destination. `openai-compatible` and `anthropic-compatible` stand for any server of that protocol.",
    ),
    Section(Auth, "upstreams.NAME.auth", "A mere word is the `scheme`."),
    Section(Service, "upstreams.NAME.operations.OPERATION[]", "A mere word is the `shape`."),
    Section(CredentialSettings, "upstreams.NAME.credentials[]", "A mere text is the `key`."),
    Section(ModelSettings, "models.ALIAS", "A mere text or list is the `candidates`."),
    Section(CandidateSettings, "models.ALIAS.candidates[]", "A mere text is the `model`."),
    Section(Rule, "models.ALIAS.rules[]", "Not available yet."),
    Section(KeySettings, "keys[]", "A mere text is the `key`."),
    Section(
        TimeoutSettings,
        "timeouts",
        "At the top level, in an upstream, in an alias; the innermost that is said holds. 0 means no limit.",
    ),
    Section(Limits, "limits", "Per worker."),
    Section(
        MediaSettings,
        "media",
        "Images and other files by URL, for upstreams that fetch none. Nothing is fetched unless `fetch` is true.",
    ),
    Section(
        Capabilities,
        "upstreams.NAME.capabilities",
        "What an endpoint and its model take. The catalogue knows its providers; only deviations have to be said.",
    ),
)
