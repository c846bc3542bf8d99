"""A population of accounts that trades on the embedded system, so that there is something to see and to try."""
