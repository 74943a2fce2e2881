"""Pictures from a text: two shapes, and what they have in common."""
