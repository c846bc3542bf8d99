"""The operator's tools: set-up, migrations, rebuild, restore, dead letters. `python -m cleartide.ops --help`."""
