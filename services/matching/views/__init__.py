"""What can be asked about accounts and money, by subject; `queries.py` puts them beside the rest."""
