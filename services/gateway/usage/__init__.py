"""How people use the product, at the edge: their pseudonyms and what they allow, and what their clients tell."""

from typing import Final

TABLES: Final = ("product_persons",)
"""Truth of the gateway's schema."""
