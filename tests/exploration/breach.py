"""What an exploration looks for."""


class Breach(BaseException):
    """A property, by its name, does not hold. Nothing of ours may catch it."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name, self.what = name, what
