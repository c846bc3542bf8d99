"""What can be asked about accounts, money and books, by subject; `queries.py` puts them beside the rest."""
