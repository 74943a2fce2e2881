"""Any LLM service in, any LLM API out: a gateway and protocol converter."""

__version__ = "0.1.0"
