"""Tests of risk: pure, on real contracts."""
