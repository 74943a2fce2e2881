"""The front: HTTP in and out, health, drain."""
