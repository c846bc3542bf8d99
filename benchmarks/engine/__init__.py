"""The matching engine measured: by frames, by calls, interpreted, and beside what else Python can install."""
