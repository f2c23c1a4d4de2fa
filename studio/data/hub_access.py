"""How the Hugging Face Hub is asked: only when a person says so, for a short time, and with errors that have words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from studio.errors import HubRefused, HubUnreachable

ADDRESS = "huggingface.co"
TIMEOUT_S = 10.0
_DATASET_NAME = re.compile(r"\w[\w.-]{0,95}(/\w[\w.-]{0,95})?", re.ASCII)


def is_dataset_name(name: object) -> bool:
    """`organisation/name`, or the name alone of the oldest datasets. Never a path and no file of code."""
    if not isinstance(name, str) or ".." in name or name.endswith(".py"):
        return False
    return _DATASET_NAME.fullmatch(name) is not None


@contextmanager
def remote_errors(repo: str) -> Iterator[None]:
    """Whatever the hub's client raises, as one of two errors: it did not answer, or it answered no."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        raise HubRefused(address=f"{ADDRESS}/{repo}", status=status, retries=0) from error
    except (HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise HubUnreachable(address=ADDRESS, status=None, retries=0) from error
