"""Real client programs, run offline through a running gateway on a scripted job."""
