"""Tests of funding: pure, on real contracts."""
