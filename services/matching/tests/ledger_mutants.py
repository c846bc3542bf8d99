"""Faults planted in the accounting, each with the auditor's check that must find it (in the place of a criterion)."""

from typing import Final

from tests.support.mutation import Mutant

MUTANTS: Final = (
    Mutant(
        "position",
        "return trunc_div(quote * abs(delta), abs(lots)) + flow",
        "return quote * abs(delta) // abs(lots) + flow",
    ),
    Mutant(
        "position", "return quote + flow * abs(lots) // abs(delta)", "return quote + flow * abs(lots) // abs(delta) + 1"
    ),
    Mutant(
        "position",
        "state.ledger.move(kind, buys.quote, sells.quote, quote)",
        "state.ledger.move(kind, buys.quote, sells.quote, quote - 1)",
    ),
    Mutant(
        "position",
        "holding.lots += delta\n    if state.venue.keeps_results:",
        "holding.lots += delta + (delta > 0)\n    if state.venue.keeps_results:",
    ),
    Mutant(
        "position",
        "    state.dirty.holdings[(account.name, market.id)] = holding\n    state.conditional.moved(",
        "    state.conditional.moved(",
    ),
    Mutant("lots", "return max(0, lots + delta) - max(0, lots)", "return max(0, lots + delta)"),
    Mutant(
        "lots",
        "    state.dirty.prices[market.id] = market\n    for account, result in",
        "    for account, result in",
    ),
    Mutant(
        "trade",
        "return self.price * self.lots * self.market.unit",
        "return self.price * self.lots * self.market.unit + 1",
    ),
    Mutant("numbers", "    keep(state, out, deal, buyer, seller)\n    transfer(", "    transfer("),
    Mutant("numbers", "self.transactions += 1", "self.transactions += 2"),
    Mutant(
        "fee",
        'ledger.move("fee", account.cash, party.fee_to, party.fee)',
        'ledger.move("fee", account.cash, party.fee_to, party.fee + 1)',
    ),
    Mutant(
        "fee",
        'ledger.move("fee", account.cash, party.fee_to, party.fee)',
        'ledger.move("fee", account.cash, market.insurance, party.fee)',
    ),
    Mutant("fee", "buyer_fee_quanta=buyer.fee,", "buyer_fee_quanta=seller.fee,"),
    Mutant(
        "fee",
        "        return ceil_div(quote_quanta * rate_ppb, PPB)\n    return ceil_div(quote_quanta * rate_ppb * (PPB",
        "        return quote_quanta * rate_ppb // PPB\n    return ceil_div(quote_quanta * rate_ppb * (PPB",
    ),
    Mutant(
        "fee",
        "return ceil_div(quote_quanta * rate_ppb * (PPB - discount_ppb), PPB * PPB)",
        "return ceil_div(quote_quanta * rate_ppb, PPB) * (PPB - discount_ppb) // PPB",
    ),
    Mutant(
        "fee",
        "return -min(quote_quanta * -rate_ppb // PPB, max(0, taken_quanta))",
        "return -min(ceil_div(quote_quanta * -rate_ppb, PPB), max(0, taken_quanta))",
    ),
    Mutant(
        "referral",
        "return min(fee_quanta * share_ppb // PPB, fee_quanta - rebate_quanta)",
        "return min(ceil_div(fee_quanta * share_ppb, PPB), fee_quanta - rebate_quanta)",
    ),
    Mutant(
        "referral",
        "self._ledger.account(referral_name(referrer))",
        "self._ledger.account(referral_name(standing.root))",
    ),
    Mutant(
        "revenue",
        "taker=to_venue[0], maker=to_venue[1], referral=taking.share",
        "taker=to_venue[0], maker=to_venue[1], referral=0",
    ),
    Mutant(
        "misposted",
        'ledger.move("referral", party.fee_to, party.share_to, party.share)',
        'ledger.move("referral", account.cash, party.share_to, party.share)',
    ),
    Mutant(
        "misposted",
        'ledger.move("realized_pnl", holding.quote, account.cash, profit)\n    ledger.move("fee"',
        'ledger.move("realized_pnl", holding.quote, market.insurance, profit)\n    ledger.move("fee"',
    ),
    Mutant(
        "misposted",
        "state.ledger.move(kind, market.insurance, account.cash, amount)",
        "state.ledger.move(kind, state.fees, account.cash, amount)",
    ),
    Mutant(
        "funding",
        "    holding.funding_index = market.funding.index\n    holding.lots += delta\n",
        "    holding.lots += delta\n",
    ),
    Mutant(
        "funding",
        "return -self.lots * (self.market.funding.index - self.funding_index)",
        "return self.lots * (self.market.funding.index - self.funding_index)",
    ),
    Mutant("balance", "        self.touched[target.name] = target\n", ""),
    Mutant("balance", "target.balance += amount", "target.balance += amount - 1"),
    Mutant("sum", "source.balance -= amount", "source.balance -= amount + 1"),
    Mutant(
        "locked",
        "Escrow(account.name), account, asset, withdrawal.amount, reference=number)",
        "Escrow(account.name), account, asset, withdrawal.amount - 1, reference=number)",
    ),
    Mutant(
        "locked",
        '"withdrawal", escrow, None, asset, withdrawal.amount)',
        '"withdrawal", state.accounts[withdrawal.account], None, asset, withdrawal.amount)',
    ),
    Mutant(
        "transfer",
        "moved(out.at, holder.name, asset.id, kind, signed, named, reference)",
        "moved(out.at, holder.name, asset.id, kind, abs(signed), named, reference)",
    ),
    Mutant(
        "transfer",
        "moved(out.at, account.name, asset.id, kind, -signed, pool.name)",
        "moved(out.at, account.name, asset.id, kind, signed, pool.name)",
    ),
    Mutant("overdrawn", "if amount > balance:", "if not amount:"),
    Mutant("overdrawn", "if amount > free:", "if not amount:"),
    Mutant(
        "settlement",
        "holding.quote, lots * price * market.unit)",
        "holding.quote, abs(lots) * price * market.unit)",
    ),
)
UNBALANCED: Final = (
    Mutant("unbalanced", "leg + 1, target.name, amount, kind", "leg + 1, target.name, amount - 1, kind"),
    Mutant("unbalanced", "leg, source.name, -amount, kind", "leg, source.name, amount, kind"),
    Mutant("unbalanced", "at, target.asset))", "at, source.name))"),
)
