"""Services of the user's own beside ours: a NATS user, a role and a schema each, from the next start on."""

import shlex
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from cleartide.bus.permissions import is_guest_name

from deploy.local.errors import StackError
from deploy.local.files import make_folder
from deploy.local.secrets import admit
from deploy.local.settings import Settings
from deploy.local.state import Lock


def admitted(settings: Settings, name: str) -> str:
    """Admit a guest to a stack that does not run; returns what to tell the user. Raises StackError."""
    if not is_guest_name(name):
        raise StackError(f"{name!r} cannot be its name: take another, of lower-case letters and digits.")
    if settings.external.nats_url:
        raise StackError("A NATS server of your own has users of your own: make it one there.")
    make_folder(settings.home.root)
    with Lock(settings.home.lock) as lock:
        if not lock.acquire():
            raise StackError("Cleartide has just been started; stop it with `make down` first.")
        admit(settings.home.secrets, name)
    return f"{name} is admitted: `make up` makes its user, its role and its schema."


def environment_of(name: str, urls: Mapping[str, str]) -> str:
    """The lines of an environment by which a guest finds the running stack. Raises StackError."""
    if f"postgres_{name}" not in urls:
        raise StackError(f"{name} is not admitted: do that between `make down` and `make up`.")
    parts = urlsplit(urls[f"nats_{name}"])
    found = {
        "CLEARTIDE_NATS_URL": f"nats://{parts.hostname}:{parts.port}",
        "CLEARTIDE_NATS_USER": name,
        "CLEARTIDE_NATS_PASSWORD": unquote(parts.password or ""),
        "CLEARTIDE_POSTGRES_DSN": urls[f"postgres_{name}"],
    }
    return "\n".join(f"{key}={shlex.quote(value)}" for key, value in found.items())
