"""Decisions, without I/O and without a clock: who may ask, where to, and what to do when that fails."""
