"""The vendor's wire structs of an answer, whole or a frame of a stream; every field may be missing."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.wire.json import EMPTY


class FunctionCall(msgspec.Struct, kw_only=True, gc=False):
    name: str | None = None
    arguments: str | None = None
    thoughts: str | None = None


class Answer(msgspec.Struct, kw_only=True):
    id: str | None = None
    object: str | None = None
    created: int | None = None
    sentence_id: int | None = None  # the number of the frame
    is_end: bool | None = None  # of the last frame
    is_truncated: bool | None = None
    result: str | None = None
    finish_reason: str | None = None
    function_call: FunctionCall | None = None
    search_info: Raw = EMPTY
    need_clear_history: bool | None = None  # the user's words are held to be unsafe
    ban_round: int | None = None  # in which turn they stand
    flag: int | None = None
    usage: Raw = EMPTY
    error_code: int | str | None = None
    error_msg: str | None = None


class Usage(msgspec.Struct, kw_only=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
