"""Make the secrets of an installation on a cluster, as manifests on standard output; nothing is kept.

`python -m deploy.k8s.secrets --namespace cleartide | kubectl create -f -`: `create`, because a second run must not
replace passwords that the volumes hold already. With an external secret store, give it the same names and keys.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from cleartide.bus.streams import SERVICES
from cleartide.store.names import role_of

from deploy.compose import passwords
from deploy.compose.config import setup_text

DATABASE: Final = "postgres:5432/cleartide"
ADMIN: Final = "cleartide"


def secrets(values: Mapping[str, str], database: str = DATABASE) -> dict[str, dict[str, str]]:
    """Secret name -> key -> value, from the passwords by variable (`deploy.compose.passwords`)."""
    admin = values[passwords.POSTGRES_ADMIN]
    found = {
        "cleartide-postgres": {"admin-password": admin, "admin-dsn": f"postgresql://{ADMIN}:{admin}@{database}"},
        "cleartide-nats": {name: value for name, value in values.items() if name.startswith("NATS_")},
        "cleartide-valkey": {passwords.VALKEY: values[passwords.VALKEY]},
        "cleartide-setup": {"secrets.json": setup_text(values)},
    }
    for service in (*SERVICES, *passwords.POOLS):
        password = values[passwords.postgres_variable(service)]
        found[f"cleartide-{service.replace('_', '-')}"] = {
            "nats-password": values[passwords.nats_variable(service)],
            "postgres-dsn": f"postgresql://{role_of(service)}:{password}@{database}",
        }
    found["cleartide-gateway"]["secret"] = values[passwords.GATEWAY]
    found["cleartide-gateway"]["redis-url"] = f"redis://:{values[passwords.VALKEY]}@valkey:6379/0"
    return found


def manifests(namespace: str, values: Mapping[str, str], database: str = DATABASE) -> dict[str, Any]:
    """One List of Secrets."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "cleartide"}},
            "type": "Opaque",
            "stringData": data,
        }
        for name, data in secrets(values, database).items()
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def main(arguments: list[str]) -> int:
    """Print new secrets."""
    parser = argparse.ArgumentParser(prog="python -m deploy.k8s.secrets", description=__doc__)
    parser.add_argument("--namespace", default="cleartide", help="default: cleartide")
    parser.add_argument("--database", default=DATABASE, metavar="HOST:PORT/NAME", help=f"default: {DATABASE}")
    parsed = parser.parse_args(arguments)
    json.dump(manifests(parsed.namespace, passwords.generate(), parsed.database), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
