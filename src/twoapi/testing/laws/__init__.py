"""The codecs' laws, each a function over codecs and payloads that raises AssertionError when the law is broken.

`requests`, `answers`, `streams` and `bounds` hold them.
"""
