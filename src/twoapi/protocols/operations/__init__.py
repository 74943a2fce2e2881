"""What services offer besides answers of a model: embeddings, rerank, moderations, completions, images, speech."""
