"""An object store: named bytes that are written whole and never changed. A folder, or anything that speaks S3.

`open_store("/srv/archive")` or `open_store("s3://bucket/prefix?endpoint=http://host:9000&region=eu", key, secret)`.
"""

import asyncio
import hashlib
import hmac
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree as ET

import aiohttp
from yarl import URL

SECONDS: Final = 300
PAGES: Final = 10_000
ReadRange = Callable[[str, int, int], Awaitable[bytes]]
"""(key, first byte, how many): those bytes of an object, all of them. Raises ObjectStoreError."""


class ObjectStoreError(Exception):
    """The store did not do what was asked, or could not be reached; the text has its status and words."""


class ObjectStore(ABC):
    """Keys are relative paths with `/`."""

    @abstractmethod
    async def put(self, key: str, source: Path) -> None:
        """Store a file's bytes; what is there under the key is replaced at once or not at all."""

    @abstractmethod
    async def sizes(self, prefix: str) -> dict[str, int]:
        """Every key that begins so, in order, with its object's bytes."""

    @abstractmethod
    def reading(self) -> AbstractAsyncContextManager[ReadRange]:
        """What reads parts of objects, over connections that are kept for as long."""

    @abstractmethod
    def local(self, key: str) -> Path | None:
        """The object's own file, where it is one that this machine can open."""

    async def keys(self, prefix: str) -> list[str]:
        """Every key that begins so, in order."""
        return list(await self.sizes(prefix))


class FolderStore(ObjectStore):
    """Objects as files below a folder: the default, and what a shared disk gives."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, key: str, source: Path) -> None:
        """Copy beside its place, then rename."""
        await asyncio.to_thread(self._copy, source, self.root / key)

    async def sizes(self, prefix: str) -> dict[str, int]:
        """Files below the folder."""
        files = [path for path in self.root.rglob("*") if path.is_file() and path.suffix != ".partial"]
        found = {path.relative_to(self.root).as_posix(): path.stat().st_size for path in files}
        return {key: found[key] for key in sorted(found) if key.startswith(prefix)}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadRange]:
        """From the files."""
        yield self._read

    def local(self, key: str) -> Path:
        """Below the folder."""
        return self.root / key

    async def _read(self, key: str, start: int, length: int) -> bytes:
        try:
            with (self.root / key).open("rb") as file:
                file.seek(start)
                found = file.read(length)
        except OSError as error:
            raise ObjectStoreError(f"{key}: {error.strerror}") from error
        return _whole(key, found, length)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.NamedTemporaryFile(dir=target.parent, suffix=".partial", delete=False) as file,
            source.open("rb") as content,
        ):
            shutil.copyfileobj(content, file)
        Path(file.name).replace(target)


class S3Store(ObjectStore):
    """A bucket behind the S3 API, addressed by path, requests signed with version 4."""

    def __init__(self, endpoint: str, bucket: str, prefix: str, region: str, key: str, secret: str) -> None:
        self._endpoint, self._bucket, self._prefix, self._region = endpoint.rstrip("/"), bucket, prefix, region
        self._key, self._secret = key, secret

    async def put(self, key: str, source: Path) -> None:
        """One PUT with the digest of the content, which the store checks."""
        digest = await asyncio.to_thread(_digest, source)
        async with self._session() as http:
            with source.open("rb") as content:
                await self._ask(http, "PUT", self._path(key), {}, digest, content)

    async def sizes(self, prefix: str) -> dict[str, int]:
        """Page by page."""
        found: dict[str, int] = {}
        token = ""
        async with self._session() as http:
            for _ in range(PAGES):
                query = {"list-type": "2", "prefix": f"{self._prefix}{prefix}"}
                if token:
                    query["continuation-token"] = token
                page = ET.fromstring(await self._ask(http, "GET", f"/{self._bucket}", query, _EMPTY))
                for entry in page.iterfind("{*}Contents"):
                    found[entry.findtext("{*}Key", "")] = int(entry.findtext("{*}Size", "0"))
                token = page.findtext("{*}NextContinuationToken", "")
                if not token:
                    break
        return {key.removeprefix(self._prefix): found[key] for key in sorted(found)}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadRange]:
        """By signed GETs with a range, each of which the store has to answer with that part."""
        async with self._session() as http:

            async def read(key: str, start: int, length: int) -> bytes:
                part = {"range": f"bytes={start}-{start + length - 1}"}
                return _whole(key, await self._ask(http, "GET", self._path(key), {}, _EMPTY, extra=part), length)

            yield read

    def local(self, key: str) -> None:
        """There is none."""

    def _path(self, key: str) -> str:
        return f"/{self._bucket}/{quote(self._prefix + key, safe='/-_.~')}"

    @staticmethod
    def _session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))

    async def _ask(
        self,
        http: aiohttp.ClientSession,
        method: str,
        path: str,
        query: Mapping[str, str],
        digest: str,
        body: object = None,
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> bytes:
        url = f"{self._endpoint}{path}" + (f"?{canonical_query(query)}" if query else "")
        headers = self._signed(method, path, query, digest, extra)
        send = http.put if method == "PUT" else http.get
        try:
            async with send(URL(url, encoded=True), headers=headers, data=body) as response:
                if response.status >= 300:
                    words = (await response.text())[:300]
                    raise ObjectStoreError(f"{method} {path}: {response.status} {words}")
                return await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ObjectStoreError(f"{method} {path}: {error or 'no answer in time'}") from error

    def _signed(
        self, method: str, path: str, query: Mapping[str, str], digest: str, extra: Mapping[str, str]
    ) -> dict[str, str]:
        now = datetime.now(UTC)
        headers = {
            **extra,
            "host": urlsplit(self._endpoint).netloc,
            "x-amz-content-sha256": digest,
            "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
        }
        signature = authorization(method, path, query, headers, digest, self._region, self._key, self._secret)
        return {**headers, "authorization": signature}


def authorization(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    digest: str,
    region: str,
    key: str,
    secret: str,
) -> str:
    """The header of signature version 4. `headers` in lower case, all are signed; `digest`: sha256 of the body."""
    at = headers["x-amz-date"]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join((method, path, canonical_query(query), lines, names, digest))
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()))
    signing = f"AWS4{secret}".encode()
    for part in (at[:8], region, "s3", "aws4_request"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"


def canonical_query(query: Mapping[str, str]) -> str:
    """Sorted and encoded as the signature wants it."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))


def open_store(address: str, key: str = "", secret: str = "") -> ObjectStore:
    """A folder, or `s3://bucket/prefix?endpoint=http://host:port&region=name`."""
    if not address.startswith("s3://"):
        return FolderStore(Path(address))
    parts = urlsplit(address)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    region = options.get("region", "us-east-1")
    endpoint = options.get("endpoint", f"https://s3.{region}.amazonaws.com")
    prefix = parts.path.strip("/")
    return S3Store(endpoint, parts.netloc, f"{prefix}/" if prefix else "", region, key, secret)


_EMPTY: Final = hashlib.sha256(b"").hexdigest()


def _digest(source: Path) -> str:
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _whole(key: str, found: bytes, length: int) -> bytes:
    """A store that gives another part than it was asked for is not to be read from."""
    if len(found) != length:
        raise ObjectStoreError(f"{key}: {len(found)} bytes instead of {length}")
    return found
