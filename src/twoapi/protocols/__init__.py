"""One package per wire protocol; none imports another. `base` is what they share, `registry` lists them."""
