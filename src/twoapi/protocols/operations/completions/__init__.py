"""Legacy completions: a text that the model goes on with. The client's side; upstreams answer by what they speak."""

from twoapi.protocols.operations.completions.codec import Completions

__all__ = ["Completions"]
