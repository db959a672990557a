"""The upstreams, five and perhaps a translator: where each is and how it is called."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace

from clients import Upstreams, YouTubeMusic
from protection.alarms import Alarms
from protection.breaker import PROBE_SEC, Board, Breaker, BreakerTerms
from protection.hedging import Hedging
from protection.retry_budget import RetryBudget
from settings import Settings
from transport import Site, open_session
from upstream import CallPolicy, Upstream
from websites import Translator, Website

SERVICE = "youtube-music-gateway"
VERSION = "0.1.0"
WEBSITE_CONCURRENCY = 16
#: What LibreTranslate works on at a time, unless told otherwise; more would only wait there.
TRANSLATOR_CONCURRENCY = 4
MIB = 2**20
#: Lyrics services ask their clients to name themselves; LRCLIB refuses those that do not.
APP_AGENT = f"{SERVICE}/{VERSION}"
#: Pages made for people are refused to anything else.
BROWSER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def build_upstreams(
    settings: Settings,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    rng: random.Random | None = None,
    board: Board | None = None,
) -> Upstreams:
    """The clients of all upstreams over one session; `board` is where instances agree on them."""
    ytmusic = Site(
        name="ytmusic",
        origin="https://music.youtube.com",
        base_url=settings.upstream_ytmusic_url,
        max_body_bytes=16 * MIB,
        pool_size=settings.ytmusic_concurrency,
        asked_by_id=("/youtubei/v1/browse", "/youtubei/v1/next"),
    )
    lrclib = _website("lrclib", "https://lrclib.net", settings.upstream_lrclib_url)
    genius = _website("genius", "https://genius.com", settings.upstream_genius_url, pages=True)
    ovh = _website("lyrics_ovh", "https://api.lyrics.ovh", settings.upstream_lyrics_ovh_url)
    billboard_url = settings.upstream_billboard_url
    billboard = _website("billboard", "https://www.billboard.com", billboard_url, pages=True)
    translate = replace(
        _website("translate", "https://libretranslate.com", settings.translate_url),
        pool_size=TRANSLATOR_CONCURRENCY,
        explains_400=("/translate",),
    )
    session = open_session((ytmusic, lrclib, genius, ovh, billboard, translate))

    alarms = Alarms(monotonic)

    def upstream(
        site: Site,
        retries: int = settings.upstream_retry_attempts,
        timeout_sec: float = settings.upstream_timeout_sec,
        probe_sec: float = PROBE_SEC,
    ) -> Upstream:
        # A hedge is a retry sent early: what is asked once is asked once.
        is_hedged = settings.enable_hedging and retries > 0
        terms = _breaker_terms(settings)
        return Upstream(
            site.name,
            CallPolicy(
                timeout_sec=timeout_sec,
                probe_sec=probe_sec,
                retries=retries,
                backoff_sec=settings.upstream_retry_backoff_ms / 1000,
                concurrency=site.pool_size,
            ),
            breaker=Breaker(site.name, terms, clock=monotonic, rng=rng, board=board),
            budget=RetryBudget(settings.upstream_retry_budget_pct, monotonic),
            hedging=Hedging(site.name, site.pool_size, alarms) if is_hedged else None,
        )

    def translator() -> Translator | None:
        if not settings.translate_url:
            return None
        # Slow when all is well: with less time, one that is back would never be believed.
        sec = settings.translate_timeout_sec
        client = upstream(translate, timeout_sec=sec, probe_sec=sec)
        return Translator(client, session, translate, settings.translate_api_key)

    return Upstreams(
        ytmusic=YouTubeMusic(upstream(ytmusic), session, settings.ytmusic_auth_file),
        lrclib=Website(upstream(lrclib), session, lrclib),
        genius=Website(upstream(genius), session, genius),
        # The last resort races five sites of its own for up to five seconds: asked once.
        lyrics_ovh=Website(upstream(ovh, retries=0), session, ovh),
        billboard=Website(upstream(billboard), session, billboard),
        translate=translator(),
        alarms=alarms,
    )


def _breaker_terms(settings: Settings) -> BreakerTerms:
    return BreakerTerms(
        longest_sec=settings.upstream_breaker_max_open_sec,
        rest_sec=settings.upstream_background_pause_sec,
        is_on=settings.enable_upstream_breaker,
    )


def _website(name: str, origin: str, base_url: str, *, pages: bool = False) -> Site:
    """A site asked over plain HTTP: a JSON service, or `pages` made for people."""
    return Site(
        name=name,
        origin=origin,
        base_url=base_url,
        max_body_bytes=4 * MIB,
        pool_size=WEBSITE_CONCURRENCY,
        speaks_json=not pages,
        user_agent=BROWSER_AGENT if pages else APP_AGENT,
    )
