"""Measured figures: ratios against a named peer or limit, side by side in one run (`make bench`)."""
