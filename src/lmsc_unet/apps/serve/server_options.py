"""The settings of `lmsc serve`: where it listens, what it serves, and its limits."""

import ipaddress
import socket
from dataclasses import dataclass

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError

TOKEN_VARIABLE = "LMSC_TOKEN"
"""The environment variable with the token, so that `ps` does not show it."""
LEAST_TOKEN = 16
"""The fewest characters of a token."""


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Where a server listens, what it serves, and its limits."""

    host: str = "127.0.0.1"
    """The address to listen at."""
    port: int = 8000
    """The port; 0 takes a free one."""
    models: tuple[str, ...] = ()
    """Bundled models' names, run folders or model files; none means all bundled models."""
    token: str | None = None
    """What clients send as `Authorization: Bearer TOKEN`; needed beyond this machine."""
    allowed_hosts: tuple[str, ...] = ()
    """More names by which clients may call the server, without port."""
    workers: int = 2
    """Requests that are worked on at once; two keep the network busy while images are read and written."""
    queue: int = 16
    """Requests that may wait; one more is told to come back later."""
    max_upload_mib: float = 256.0
    """The largest body of a request, in MiB."""
    max_pixels: int = 2**25
    """The most pixels of an image, as the network sees it."""
    max_samples: int = 2**27
    """The most samples of a recording, over all its channels."""
    max_upload_s: float = 60.0
    """Seconds in which an upload must be complete."""
    max_work_s: float = 120.0
    """Seconds from a complete upload to its answer, waiting included."""
    backend: str | None = None
    """The runtime of the models; by default the fastest installed."""
    threads: int | None = None
    """Threads for one request; by default workers share the processors."""

    def __post_init__(self) -> None:
        check_range(self, 0, 65535, "port")
        check_range(self, 1, 64, "workers")
        check_range(self, 0, 10_000, "queue")
        check_range(self, 0, 2**20, "max_upload_mib", above=True)
        check_range(self, 1, 2**50, "max_pixels", "max_samples")
        check_range(self, 0, 1e6, "max_upload_s", "max_work_s", above=True)
        self._check_token()

    @property
    def max_upload_bytes(self) -> int:
        """The largest body of a request."""
        return int(self.max_upload_mib * 2**20)

    @property
    def most_places(self) -> int:
        """Requests that are held at once: uploading, waiting and worked on."""
        return self.workers + self.queue

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses_of(self.host))

    def _check_token(self) -> None:
        token = self.token
        if token is None:
            if not self.is_loopback:
                raise ConfigError(
                    f"Other machines can reach {self.host}, and there is no token. Set {TOKEN_VARIABLE} to at least "
                    f"{LEAST_TOKEN} random characters, or listen at 127.0.0.1."
                )
            return
        if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError(
                f"The token has {len(token)} characters; it must have at least {LEAST_TOKEN}, all ASCII and none a "
                f'space. Make one by: python -c "import secrets; print(secrets.token_urlsafe(32))"'
            )


def addresses_of(host: str) -> list[str]:
    """The numeric addresses of a host to listen at.

    Raises:
        ConfigError: it has none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"The host {host!r} is no address of this machine ({error}). Use 127.0.0.1, or 0.0.0.0."
        ) from error
    return [str(place[0]) for *_, place in found]
