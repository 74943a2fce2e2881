"""The benchmark: the gateway against nginx and a plain proxy, on this machine. Run it with `./dev bench`."""
