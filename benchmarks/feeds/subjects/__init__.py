"""One module per library: how it takes a recorded frame."""
