"""Finds the services of this installation by name, without the library importing any of them."""

import importlib
import importlib.util
from pathlib import Path

from cleartide.contracts.pools import POOLS, base_of
from cleartide.service import Service


def definition(name: str) -> Service:
    """The service's definition, `services.<name>.app.SERVICE`; that of a pool is made by `services.<base>.pools`."""
    base = base_of(name)
    if base in POOLS:
        service: Service = importlib.import_module(f"services.{base}.pools").pool(name)
    else:
        service = importlib.import_module(f"services.{name}.app").SERVICE
    return service


def migrations_folder(name: str) -> Path:
    """Where a service's migrations are; its code is not imported."""
    spec = importlib.util.find_spec(f"services.{base_of(name)}")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"there is no service called {name}")
    return Path(next(iter(spec.submodule_search_locations))) / "migrations"
