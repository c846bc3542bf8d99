"""Tests that need more than one room of the house."""
