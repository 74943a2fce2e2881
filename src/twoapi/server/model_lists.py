"""Lists of models as each kind of client reads them, with what every model does there in a member `twoapi`."""

from collections.abc import Mapping

import msgspec

from twoapi.gateway.abilities import Ability, abilities
from twoapi.policy.route import Candidate, Plan
from twoapi.protocols.base import Codec, ModelEntry
from twoapi.wire import json


class About(msgspec.Struct, omit_defaults=True):
    """What the gateway says of a model. `upstream/model` answers first; `relay`: in the client's own protocol, byte for
    byte. `features` says of each what the client gets: "native", "emulated" or "no".
    """

    upstream: str
    model: str
    protocol: str
    relay: bool
    features: Mapping[str, Ability]
    others: list[str] = []  # that answer when the first does not, or take turns with it


class Listed(msgspec.Struct):
    """One name, and what it stands for."""

    name: str
    owner: str
    created: int
    first: Candidate
    about: About


def listed(codec: Codec, name: str, owner: str, created: int, plan: Plan) -> Listed:
    """What a list tells a client of this protocol about a name."""
    first, *others = plan.candidates
    about = About(
        first.upstream,
        first.model,
        first.protocol,
        first.protocol == codec.name,
        abilities(codec, first),
        [one.label.decode() for one in others],
    )
    return Listed(name, owner, created, first, about)


def model_list(codec: Codec, models: list[Listed], *, for_codex: bool = False) -> bytes:
    """The list in the shape of the client's protocol."""
    document, rows = _rows(codec, models)
    if for_codex:
        document = {"models": [_codex(model, index) for index, model in enumerate(models)], **document}
    return json.encode(document) if rows or not models else b"{}"


def model_alone(codec: Codec, model: Listed) -> bytes:
    """One model, as the protocol tells of one."""
    _, rows = _rows(codec, [model])
    return json.encode(rows[0])


def _rows(codec: Codec, models: list[Listed]) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The codec's own list, and its entries, which say more here."""
    entries = [ModelEntry(model.name, model.created, model.owner) for model in models]
    document = json.decode(codec.encode_models(entries))
    rows: list[dict[str, object]] = document.get("data") or document.get("models") or []
    for row, model in zip(rows, models, strict=True):
        limit, place = model.first.capabilities.max_output, _LIMITS.get(codec.name)
        if limit is not None and place is not None:
            row[place] = limit
        row["twoapi"] = model.about
    return document, rows


# Where an entry tells how many tokens a model writes at most.
_LIMITS = {"anthropic-messages": "max_tokens", "gemini": "outputTokenLimit"}

# Codex takes its instructions from the list; of a model that it does not know it has none of its own.
_INSTRUCTIONS = """\
You are a coding agent in the user's terminal and work in their checkout with the tools you are given. Read the code \
before you change it, keep to its style, and change no more than the task needs. Prefer small, exact edits. Run what \
shows that a change works, such as its tests, when you can. Do not undo changes that are not yours, and ask before \
anything that destroys data or reaches outside the checkout. Say at the end in a few sentences what you did and what \
is left."""
_EFFORTS = {"low": "Answers fastest", "medium": "For most work", "high": "Thinks longest"}


def _codex(model: Listed, index: int) -> dict[str, object]:
    """A model as Codex's own list tells of it."""
    does = model.about.features
    reasons = does["reasoning"] != "no"
    efforts = [{"effort": effort, "description": words} for effort, words in _EFFORTS.items()]
    return {
        "slug": model.name,
        "display_name": model.name,
        "description": f"{model.about.upstream}/{model.about.model}",
        "default_reasoning_level": "medium" if reasons else None,
        "supported_reasoning_levels": efforts if reasons else [],
        "shell_type": "shell_command",
        "visibility": "list",
        "supported_in_api": True,
        "priority": index,
        "upgrade": None,
        "availability_nux": None,
        "base_instructions": _INSTRUCTIONS,
        "supports_reasoning_summaries": reasons,
        "supports_reasoning_summary_parameter": reasons,
        "default_reasoning_summary": "auto",
        "support_verbosity": model.about.relay,
        "default_verbosity": None,
        "apply_patch_tool_type": "freeform" if model.about.relay else None,
        "web_search_tool_type": "text",
        "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "supports_parallel_tool_calls": does["tools"] == "native",
        "supports_image_detail_original": False,
        "supports_search_tool": False,
        "use_responses_lite": False,
        "context_window": None,
        "effective_context_window_percent": 95,
        "experimental_supported_tools": [],
        "include_skills_usage_instructions": False,
        "input_modalities": ["text", "image"] if does["images"] == "native" else ["text"],
        "twoapi": model.about,
    }
