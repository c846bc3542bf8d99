"""An object store: named bytes that are written whole and never changed. A folder, or anything that speaks S3.

`open_store("/srv/archive")` or `open_store("s3://bucket/prefix?endpoint=http://host:9000&region=eu", key, secret)`.
"""

import asyncio
import hashlib
import hmac
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree as ET

import aiohttp
from yarl import URL

SECONDS: Final = 300
PAGES: Final = 10_000
_CHUNK: Final = 2**20


class ObjectStoreError(Exception):
    """The store did not do what was asked; the text has its status and words."""


class ObjectStore(ABC):
    """Keys are relative paths with `/`."""

    @abstractmethod
    async def put(self, key: str, source: Path) -> None:
        """Store a file's bytes; what is there under the key is replaced at once or not at all."""

    @abstractmethod
    async def get(self, key: str, target: Path) -> None:
        """Fetch an object into a file."""

    @abstractmethod
    async def keys(self, prefix: str) -> list[str]:
        """Every key that begins so, in order."""


class FolderStore(ObjectStore):
    """Objects as files below a folder: the default, and what a shared disk gives."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def put(self, key: str, source: Path) -> None:
        """Copy beside its place, then rename."""
        await asyncio.to_thread(self._copy, source, self.root / key)

    async def get(self, key: str, target: Path) -> None:
        """Copy."""
        if not (self.root / key).is_file():
            raise ObjectStoreError(f"{key} is not there")
        await asyncio.to_thread(self._copy, self.root / key, target)

    async def keys(self, prefix: str) -> list[str]:
        """Files below the folder."""
        found = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]
        return sorted(key for key in found if key.startswith(prefix) and not key.endswith(".partial"))

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

    async def get(self, key: str, target: Path) -> None:
        """One GET, written beside its place, then renamed."""
        partial = target.with_name(f"{target.name}.partial")
        path = self._path(key)
        url, headers = URL(f"{self._endpoint}{path}", encoded=True), self._signed("GET", path, {}, _EMPTY)
        async with self._session() as http, http.get(url, headers=headers) as response:
            await _check(response)
            with partial.open("wb") as file:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    file.write(chunk)
        partial.replace(target)

    async def keys(self, prefix: str) -> list[str]:
        """Page by page."""
        found: list[str] = []
        token = ""
        async with self._session() as http:
            for _ in range(PAGES):
                query = {"list-type": "2", "prefix": f"{self._prefix}{prefix}"}
                if token:
                    query["continuation-token"] = token
                page = ET.fromstring(await self._ask(http, "GET", f"/{self._bucket}", query, _EMPTY))
                found += [node.text or "" for node in page.iter() if node.tag.endswith("}Key") or node.tag == "Key"]
                token = next((n.text or "" for n in page.iter() if n.tag.endswith("NextContinuationToken")), "")
                if not token:
                    break
        return sorted(key.removeprefix(self._prefix) for key in found)

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
    ) -> bytes:
        url = f"{self._endpoint}{path}" + (f"?{canonical_query(query)}" if query else "")
        headers = self._signed(method, path, query, digest)
        send = http.put if method == "PUT" else http.get
        async with send(URL(url, encoded=True), headers=headers, data=body) as response:
            await _check(response)
            return await response.read()

    def _signed(self, method: str, path: str, query: Mapping[str, str], digest: str) -> dict[str, str]:
        now = datetime.now(UTC)
        headers = {
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


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status >= 300:
        words = (await response.text())[:300]
        raise ObjectStoreError(f"{response.method} {response.url.path}: {response.status} {words}")
