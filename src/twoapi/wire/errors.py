"""What is wrong with bytes that do not follow their format."""


class WireError(Exception):
    """Bytes that break the rules of their framing or of JSON. `pointer` is a JSON pointer when a place is known."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer
