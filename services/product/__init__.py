"""The service that records how people use the product, as far as they let it."""
