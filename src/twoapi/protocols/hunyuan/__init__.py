"""Tencent Hunyuan as Tencent Cloud's own API serves it."""

from twoapi.protocols.hunyuan.codec import Hunyuan

__all__ = ["Hunyuan"]
