"""Everything that accounts can do beside trading, once each: so that every table and every question has an answer."""

from cleartide.contracts import GrantDelegate, OpenSubaccount, SetLeverage

from services.matching.tests.support import MARKET, Exchange


def household(ex: Exchange) -> None:
    """gus opens an isolated account and lets dora act for him."""
    ex.deposit("gus", "1000")
    ex.send(OpenSubaccount, account="gus", name="btc", margin_mode="isolated", market=MARKET)
    ex.send(GrantDelegate, account="gus", delegate="dora")
    ex.send(SetLeverage, account="gus--btc", market=MARKET, leverage=5)
