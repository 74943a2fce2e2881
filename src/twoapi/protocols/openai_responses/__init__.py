"""OpenAI Responses (openai-responses), both sides."""
