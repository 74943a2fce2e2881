"""Baidu's wenxinworkshop (ERNIE, the first version of Qianfan), as an upstream; NOTES.md has the vendor's rules."""

from twoapi.protocols.qianfan_v1.codec import QianfanV1

__all__ = ["QianfanV1"]
