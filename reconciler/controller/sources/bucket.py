"""What lies below a prefix of an S3 bucket.

ETags tell what changed: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from providers.errors import CallError, SourceAway, SourceRefused
from reconciler.controller.configuration import Prefix
from reconciler.controller.sources.revision import Revision
from reconciler.controller.sources.trees import Entry, Limits, Trees, checked, name_of

_PIECE = 1024 * 1024


@attrs.frozen
class Bucket:
    """The fetcher of a prefix; `client` gives a boto3 client of S3."""

    origin: Prefix
    trees: Trees
    client: Callable[[], Any]

    def fetch(self, last: Revision | None) -> Revision:
        with self._told("ListObjectsV2"):
            client = self.client()
        entries = checked(self._listed(client), Limits(self.origin.max_bytes, self.origin.max_files))
        name = name_of(entries)
        if last is not None and last.id == name:
            return last
        with self.trees.work() as work:
            return self.trees.write(work, name, entries, lambda entry: self._content(client, entry))

    def tidy(self, kept: Collection[Revision]) -> None:
        self.trees.tidy(kept)

    @property
    def _prefix(self) -> str:
        return f"{self.origin.prefix.strip('/')}/" if self.origin.prefix.strip("/") else ""

    def _listed(self, client: Any) -> Iterator[Entry]:
        with self._told("ListObjectsV2"):
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.origin.bucket, Prefix=self._prefix)
            for page in pages:
                self.trees.go_on()
                for found in page.get("Contents", ()):
                    path = str(found["Key"]).removeprefix(self._prefix)
                    # A folder is what consoles make of an object whose name ends so.
                    if path and not (path.endswith("/") and found["Size"] == 0):
                        yield Entry(path, int(found["Size"]), str(found["ETag"]).strip('"'))

    def _content(self, client: Any, entry: Entry) -> Iterator[bytes]:
        key = self._prefix + entry.path
        with self._told("GetObject"):
            got = client.get_object(Bucket=self.origin.bucket, Key=key, IfMatch=f'"{entry.digest}"')
            with got["Body"] as body:
                while piece := body.read(_PIECE):
                    self.trees.go_on()
                    yield piece

    @contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        """Our error for one of botocore's; in the words of S3."""
        from botocore.exceptions import BotoCoreError, ClientError

        from providers.provider import translate

        try:
            yield
        except (BotoCoreError, ClientError, CallError) as error:
            told = error if isinstance(error, CallError) else translate(operation, error)
            # 412: it is another since it was listed.
            kind = SourceAway if told.retryable or told.status == 412 else SourceRefused
            raise kind(f"s3://{self.origin.bucket}/{self._prefix}: {told}", hint=told.hint) from error
