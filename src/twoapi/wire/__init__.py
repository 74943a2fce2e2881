"""Framing and bytes: server-sent events, JSON documents, HTTP as data. No meaning, no I/O."""
