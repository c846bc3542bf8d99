"""Postgres: the unit of work, migrations, partitions, roles, digests. The only commit of the code base is here."""
