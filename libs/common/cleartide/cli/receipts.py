"""How a receipt is shown."""

from cleartide.client_orders import Receipt


def show(receipt: Receipt) -> None:
    """One line: where in the sequence the command is."""
    again = " (a duplicate: the first one counts)" if receipt.duplicate else ""
    print(f"{receipt.message_id} is #{receipt.stream_seq} of the sequence{again}")
