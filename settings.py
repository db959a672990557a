"""Every knob: environment name, default, bounds, meaning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Le
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from language_codes import spelled

DOTENV = ".env"

Seconds = Annotated[float, Ge(0), Le(31_536_000)]
Share = Annotated[float, Ge(0), Le(1)]
Workers = Annotated[int, Ge(1), Le(256)]
Bytes = Annotated[int, Ge(1024), Le(2**40)]
RedisUrl = Annotated[
    str, Field(pattern=r"^((redis|valkey)s?(\+(sentinel|cluster))?|unix)://[^\s]+$")
]
StorageUri = Annotated[
    str,
    Field(pattern=r"^(memory://|((redis|valkey)s?(\+(sentinel|cluster))?|unix)://[^\s]+)$"),
]
PerMinute = Annotated[int, Ge(0), Le(100_000_000)]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+[^\s]*$")]
#: Of a service that may be off; credentials have no place in it, for it is shown where it is wrong.
OptionalUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/@?#]+(/[^\s@?#]*)?)?$")]
ApiKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{0,200}$")]


def _listed(value: Any) -> Any:
    """The items of a comma-separated text."""
    if not isinstance(value, str):
        return value
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _token(value: str) -> str:
    """A bearer token that nobody guesses, and that every client can send."""
    if value and not re.fullmatch(r"[\x21-\x7e]{16,}", value):
        raise PydanticCustomError(
            "token", "must be empty or at least 16 characters, without spaces and accents"
        )
    return value


def _language(value: str) -> str:
    """A language code in its one spelling."""
    try:
        return spelled(value)
    except ValueError as error:
        raise PydanticCustomError("language", "{reason}", {"reason": str(error)}) from None


Token = Annotated[str, AfterValidator(_token)]
Language = Annotated[str, AfterValidator(_language)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Hashes = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], NoDecode, BeforeValidator(_listed)
]
Origins = Annotated[
    tuple[Annotated[str, Field(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[^\s/?*#@]+)$")], ...],
    NoDecode,
    BeforeValidator(_listed),
]
Numbers = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_listed)]


class CacheLimits(NamedTuple):
    """The three limits of one resource.

    Units: seconds from the end of the fetch.
    """

    ttl_sec: float
    revalidate_sec: float
    stale_sec: float


class SettingsError(Exception):
    """The environment is not acceptable; `problems` says all that is wrong, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """The gateway's settings, read from the environment and from `.env`; the name is upper case."""

    model_config = SettingsConfigDict(env_file=DOTENV, extra="ignore", frozen=True)

    # Serving
    host: str = Field("0.0.0.0", description="address to listen on")  # noqa: S104  # Render's way
    port: Annotated[int, Ge(0), Le(65535)] = Field(5000, description="port to listen on")
    server_threads: Annotated[int, Ge(4), Le(1024)] = Field(
        160, description="worker threads; three quarters of them may wait for a cold answer"
    )
    server_queue: Annotated[int, Ge(1), Le(10_000)] = Field(
        64, description="requests that may wait for a thread; further ones get 503 at once"
    )
    web_concurrency: Annotated[int, Ge(1), Le(64)] = Field(
        1, description="processes that serve; several want `CACHE_BACKEND=redis` to share answers"
    )
    stock_waitress: bool = Field(
        False, description="serve with Waitress as it comes: slower, and without a drain"
    )
    max_concurrent_loads: Workers = Field(
        64, description="cold answers fetched at a time; further ones get 503 at once"
    )
    event_streams: Workers = Field(32, description="event streams open at a time")
    trusted_proxy_count: Annotated[int, Ge(0), Le(10)] = Field(
        0, description="proxies in front, each of which adds to X-Forwarded-For; 2 on Render"
    )
    cors_origins: Origins = Field(
        ("*",), description="origins whose pages may read answers, as `https://app.example`"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe log line written"
    )
    access_log: bool = Field(True, description="one line with id and latency for every request")
    access_log_query: bool = Field(
        False, description="log the values of parameters too: what people typed, not only its name"
    )
    metrics_token: Token = Field(
        "",
        description="bearer token of /metrics and /dashboard, at least 16 characters; empty: open",
    )

    # Cache
    cache_backend: Literal["simple", "redis"] = Field(
        "simple",
        description="where answers are kept: `simple` is this process's memory, `redis` shares them"
        " between instances too",
    )
    redis_url: RedisUrl = Field(
        "redis://localhost:6379/0",
        description="Redis or Valkey: `redis://`, `rediss://`, `unix://`, `redis+sentinel://`,"
        " `redis+cluster://`",
    )
    cache_fail_open: bool = Field(
        True, description="start without Redis and go on alone; `false` refuses to start"
    )
    cache_key_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,64}$")] = Field(
        "ytmusic_api_", description="before every key in Redis"
    )
    cache_redis_connect_timeout: Annotated[float, Ge(0.01), Le(5)] = Field(
        0.1, description="seconds to connect to Redis; an operation may take 0.25"
    )
    cache_redis_max_connections: Annotated[int, Ge(2), Le(1000)] = Field(
        16,
        description="connections to Redis for operations; 9 more at most wait for other instances",
    )
    cache_default_timeout: Annotated[int, Ge(0)] = Field(
        300, description="flask-caching's own default; every answer of ours has limits of its own"
    )
    cache_jitter_pct: Share = Field(
        0.1, description="largest share of a fresh life that chance takes away"
    )
    enable_stale_fallback: bool = Field(
        True, description="give stale answers while revalidating and when an upstream fails"
    )
    cache_adaptive_ttl: bool = Field(
        True, description="stay fresh longer what keeps coming back unchanged, shorter what changes"
    )
    cache_adaptive_ttl_except: Names = Field(
        (
            "trending",
            "billboard",
            "billboard_page",
            "charts",
            "chart_playlist",
            "artwork_song",
            "artwork_album",
            "artwork_artist",
        ),
        description="resources whose fresh life stays as set",
    )
    cache_threshold: Annotated[int, Ge(1)] = Field(5000, description="entries kept in memory")
    cache_memory_max_bytes: Bytes = Field(64 * 2**20, description="bytes kept in memory")
    cache_memory_max_entry_bytes: Bytes = Field(
        8 * 2**20, description="largest entry kept, in bytes"
    )
    cache_ttl_lyrics_negative_base_sec: Seconds = Field(
        30, description='seconds the first "no lyrics" is believed'
    )
    cache_ttl_lyrics_negative_max_sec: Seconds = Field(
        300, description='most seconds a repeated "no lyrics" is believed'
    )
    cache_lyrics_negative_backoff_factor: Annotated[float, Ge(1), Le(10)] = Field(
        2, description='growth of that time with each "no lyrics" in a row'
    )

    # Many instances
    enable_distributed_singleflight: bool = Field(
        True, description="one instance fetches for all that share a Redis"
    )
    distributed_singleflight_lock_ttl_sec: Annotated[float, Ge(0.5), Le(600)] = Field(
        30, description="seconds a lease lives without its leader; a living leader renews it"
    )
    distributed_singleflight_wait_timeout_sec: Annotated[float, Ge(0.2), Le(600)] = Field(
        8, description="seconds a leader may be silent before another instance takes over"
    )
    distributed_singleflight_poll_ms: Annotated[int, Ge(10), Le(10_000)] = Field(
        100, description="milliseconds between looks where no connection is free to wait with"
    )

    # Background
    background_backend: Literal["pool", "celery"] = Field(
        "pool",
        description="where work goes on behind an answer: `pool` is this process's threads,"
        " `celery` leaves it to workers",
    )
    background_broker_url: RedisUrl | Literal[""] = Field(
        "", description="Redis that hands work to workers, as in `REDIS_URL`; empty: that one"
    )

    # Prewarm
    enable_prewarm: bool = Field(False, description="keep charts fresh before anyone asks")
    prewarm_loop_tick_sec: Annotated[float, Ge(1), Le(3600)] = Field(
        30, description="seconds between looks for what is due"
    )
    prewarm_trending_countries: Names = Field(("US",), description="countries whose charts to keep")
    prewarm_trending_limits: Numbers = Field(
        (50,), description="limits clients ask with; all are cut from one answer"
    )
    prewarm_top_k: Annotated[int, Ge(0), Le(10_000)] = Field(
        0, description="keys most asked for recently that are kept fresh too"
    )

    # Administration
    admin_token: Token = Field(
        "", description="bearer token of /admin/cache and all of /dashboard; empty: no /admin/cache"
    )

    # Upstreams
    upstream_timeout_sec: Annotated[float, Ge(0.1), Le(60)] = Field(
        6, description="seconds one upstream call may take, retries included"
    )
    upstream_retry_attempts: Annotated[int, Ge(0), Le(5)] = Field(
        2, description="further tries after a transient failure"
    )
    upstream_retry_backoff_ms: Annotated[int, Ge(0), Le(10_000)] = Field(
        200, description="milliseconds before the first retry; doubles, with jitter"
    )
    upstream_max_workers: Annotated[int, Ge(0), Le(256)] = Field(
        0, description="calls to YouTube Music at a time; 0 = automatic (32)"
    )
    enable_upstream_breaker: bool = Field(
        True, description="leave an upstream alone for a while that refuses or fails"
    )
    upstream_breaker_max_open_sec: Annotated[float, Ge(5), Le(3600)] = Field(
        60, description="most seconds until an upstream is tried again; from 5, doubling"
    )
    upstream_background_pause_sec: Annotated[float, Ge(0), Le(86_400)] = Field(
        300, description="seconds without background work after an upstream refused us (429, 403)"
    )
    upstream_retry_budget_pct: Share = Field(
        0.1, description="largest share of calls that retries may add; 3 a minute are always free"
    )
    enable_hedging: bool = Field(
        True, description="ask once more on a new connection, within that share, what is overdue"
    )
    ytmusic_auth_file: Path = Field(
        Path("browser.json"), description="ytmusicapi browser headers; used when the file exists"
    )
    upstream_ytmusic_url: BaseUrl = Field(
        "https://music.youtube.com", description="base URL of YouTube Music"
    )
    upstream_lrclib_url: BaseUrl = Field("https://lrclib.net", description="base URL of LRCLIB")
    upstream_genius_url: BaseUrl = Field("https://genius.com", description="base URL of Genius")
    upstream_lyrics_ovh_url: BaseUrl = Field(
        "https://api.lyrics.ovh", description="base URL of lyrics.ovh"
    )
    upstream_billboard_url: BaseUrl = Field(
        "https://www.billboard.com", description="base URL of Billboard"
    )

    # Translation
    translate_url: OptionalUrl = Field(
        "", description="base URL of a LibreTranslate server; empty: lyrics are not translated"
    )
    translate_api_key: ApiKey = Field("", description="that server's API key, where it wants one")
    translate_language: Language = Field(
        "en", description="what lyrics are translated into where a client names no language"
    )
    translate_timeout_sec: Annotated[float, Ge(0.1), Le(60)] = Field(
        12, description="seconds one request to it may take, retries included"
    )

    # Fan-out widths
    max_workers_trending: Workers = Field(8, description="calls at a time for one /trending")
    max_workers_recommendations: Workers = Field(
        10, description="calls at a time for one /recommendations"
    )
    max_workers_mix: Workers = Field(8, description="calls at a time for one /mix")
    max_workers_artist_songs: Workers = Field(
        8, description="calls at a time for one /artist/<id>/songs"
    )
    max_workers_songs: Workers = Field(12, description="calls at a time for one /songs")
    max_concurrency_billboard: Workers = Field(12, description="calls at a time for one /billboard")
    max_concurrency_artist_lookup: Workers = Field(
        8, description="calls at a time for one /artists"
    )

    # Rate limits
    enable_rate_limits: bool = Field(
        True, description="limit what a client may ask for, and what it may have fetched"
    )
    ratelimit_requests_per_minute: PerMinute = Field(
        600, description="requests of one client, hits included, each process for itself; 0 = any"
    )
    ratelimit_keyed_requests_per_minute: PerMinute = Field(
        6000, description="the same for a client with an API key"
    )
    ratelimit_fetches_per_minute: PerMinute = Field(
        300, description="requests of one client for which something is fetched; 0 = any number"
    )
    ratelimit_all_fetches_per_minute: PerMinute = Field(
        3000, description="the same for all clients together"
    )
    ratelimit_fetches_at_a_time: Annotated[int, Ge(0), Le(1024)] = Field(
        16, description="fetches led at a time for one client; 0 = any number"
    )
    ratelimit_storage_uri: StorageUri = Field(
        "memory://",
        description="where fetches are counted: `memory://`, or a URL as for `REDIS_URL`; where it"
        " is not set, instances with `CACHE_BACKEND=redis` count together there",
    )
    api_key_hashes: Hashes = Field(
        (), description="SHA-256 of each API key, in lower-case hex, separated by commas"
    )

    @property
    def logs_requests(self) -> bool:
        """Whether requests leave lines, which are of level INFO."""
        return self.access_log and self.log_level in {"DEBUG", "INFO"}

    @property
    def ytmusic_concurrency(self) -> int:
        """Calls to YouTube Music at a time."""
        return self.upstream_max_workers or 32
