"""Embeddings: the shapes of OpenAI, Gemini and Cohere on both sides, and of other vendors on the upstream's."""
