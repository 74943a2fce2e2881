"""Speakers: one answer as the vendor of each protocol writes it."""
