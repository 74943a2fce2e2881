"""What the dialects of vendors share, which upstreams speak and no client: encoding requests, telling answers."""
