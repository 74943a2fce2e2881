"""What upstreams keep for clients: files, batches, cached contents; each found again where it is."""
