"""What upstreams keep for clients, files and batches: a face for each vendor whose clients ask for them."""
