"""Questions by subject."""
