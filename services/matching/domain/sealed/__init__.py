"""Sealed orders: committed by a hash, revealed together, executed in a sequence that nobody could choose."""
