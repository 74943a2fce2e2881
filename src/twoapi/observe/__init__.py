"""What happened, for people and machines: logs now."""
