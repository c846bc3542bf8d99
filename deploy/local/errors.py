"""The one error a person who starts the stack gets to see."""


class StackError(Exception):
    """Something the reader can mend: the text is one sentence that says what is wrong and what to do."""


class PortTakenError(StackError):
    """Another process listens on a port that a server was told to use."""
