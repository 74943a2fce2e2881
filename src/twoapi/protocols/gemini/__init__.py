"""Google Gemini generateContent, both sides."""
