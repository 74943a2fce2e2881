"""DashScope's own protocol (Qwen), as an upstream; NOTES.md has the vendor's rules that it relies on."""

from twoapi.protocols.dashscope.codec import DashScope

__all__ = ["DashScope"]
