"""What tests of a gateway need: a fake upstream with faults, strategies, canonical forms and the codecs' laws.

`strategies`, `events` and `laws` need hypothesis, so nothing is imported here.
"""
