"""One package per wire protocol; none imports another. `base` is what they share, `registry` lists them.

Modules beside the packages serve several of them; `dialects` holds what serves only those without clients.
"""
