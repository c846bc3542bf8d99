"""What matching promises, rule by rule."""
