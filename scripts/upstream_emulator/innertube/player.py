"""Player answers: details, formats, and the several ways a video can be refused."""

from __future__ import annotations

from scripts.upstream_emulator.innertube.pieces import (
    TRACKING,
    Json,
    opaque,
    response_context,
    runs,
    video_thumbnails,
)
from scripts.upstream_emulator.model import Track

BOT_CHECK = "Sign in to confirm you’re not a bot"
_REFUSALS = {
    "error": ("ERROR", "Video unavailable", False),
    "private": ("LOGIN_REQUIRED", "This video is private", False),
    "age": ("LOGIN_REQUIRED", "Sign in to confirm your age", True),
    "country": (
        "UNPLAYABLE",
        "The uploader has not made this video available in your country",
        True,
    ),
    "premium": ("UNPLAYABLE", "This video is only available to Music Premium members", True),
    "bot": ("LOGIN_REQUIRED", BOT_CHECK, False),
}
_FORMATS = (
    (18, 'video/mp4; codecs="avc1.42001E, mp4a.40.2"', 360),
    (137, 'video/mp4; codecs="avc1.640028"', 1080),
    (136, 'video/mp4; codecs="avc1.4d401f"', 720),
    (135, 'video/mp4; codecs="avc1.4d401f"', 480),
    (134, 'video/mp4; codecs="avc1.4d401e"', 360),
    (133, 'video/mp4; codecs="avc1.4d4015"', 240),
    (160, 'video/mp4; codecs="avc1.4d400c"', 144),
    (248, 'video/webm; codecs="vp9"', 1080),
    (247, 'video/webm; codecs="vp9"', 720),
    (244, 'video/webm; codecs="vp9"', 480),
    (243, 'video/webm; codecs="vp9"', 360),
    (242, 'video/webm; codecs="vp9"', 240),
    (278, 'video/webm; codecs="vp9"', 144),
    (140, 'audio/mp4; codecs="mp4a.40.2"', 0),
    (249, 'audio/webm; codecs="opus"', 0),
    (250, 'audio/webm; codecs="opus"', 0),
    (251, 'audio/webm; codecs="opus"', 0),
)


def player(track: Track | None) -> Json:
    """The answer for a video; None is an id nobody knows."""
    status = track.status if track else "error"
    if track is None or status in _REFUSALS:
        return refusal(status, track)
    return {
        "responseContext": response_context(),
        "playabilityStatus": _playable(),
        "streamingData": _streams(track),
        "playbackTracking": _tracking(track),
        "videoDetails": _details(track),
        "playerConfig": {"audioConfig": {"loudnessDb": -2.1, "perceptualLoudnessDb": -16.1}},
        "microformat": _microformat(track),
        "trackingParams": TRACKING,
        "attestation": {"playerAttestationRenderer": {"challenge": opaque(track.video_id) * 8}},
    }


def refusal(kind: str, track: Track | None) -> Json:
    """Why a video cannot be played, with its details only where they are told."""
    status, reason, with_details = _REFUSALS[kind]
    screen = {"reason": runs(reason), "icon": {"iconType": "ERROR_OUTLINE"}}
    made: Json = {
        "responseContext": response_context(),
        "playabilityStatus": {
            "status": status,
            "reason": reason,
            "errorScreen": {"playerErrorMessageRenderer": screen},
            "contextParams": "Q0FBU0FnZ0E=",
        },
        "trackingParams": TRACKING,
    }
    if track and with_details:
        made["videoDetails"] = _details(track)
    return made


def _playable() -> Json:
    audio_only = {
        "trackingParams": TRACKING,
        "audioOnlyAvailability": "FEATURE_AVAILABILITY_ALLOWED",
    }
    return {
        "status": "OK",
        "playableInEmbed": True,
        "audioOnlyPlayability": {"audioOnlyPlayabilityRenderer": audio_only},
        "miniplayer": {"miniplayerRenderer": {"playbackMode": "PLAYBACK_MODE_ALLOW"}},
        "contextParams": "Q0FBU0FnZ0E=",
    }


def _details(track: Track) -> Json:
    return {
        "videoId": track.video_id,
        "title": track.title,
        "lengthSeconds": str(track.seconds),
        "channelId": track.primary.channel_id,
        "isOwnerViewing": False,
        "isCrawlable": True,
        "thumbnail": video_thumbnails(track.video_id),
        "allowRatings": True,
        "viewCount": str(track.plays),
        "author": track.primary.name,
        "isPrivate": False,
        "isUnpluggedCorpus": False,
        "musicVideoType": track.video_type,
        "isLiveContent": False,
        "isTvfilmVideo": False,
    }


def _streams(track: Track) -> Json:
    made = [_format(track, *form) for form in _FORMATS]
    return {"expiresInSeconds": "21540", "formats": made[:1], "adaptiveFormats": made[1:]}


def _format(track: Track, itag: int, mime: str, height: int) -> Json:
    cipher = opaque(f"{track.video_id}{itag}") * 36
    made: Json = {
        "itag": itag,
        "mimeType": mime,
        "bitrate": 50_000 + itag * 700,
        "lastModified": "1719185012384481",
        "contentLength": str(track.seconds * (6_000 + itag * 80)),
        "quality": "medium",
        "projectionType": "RECTANGULAR",
        "averageBitrate": 48_000 + itag * 650,
        "approxDurationMs": str(track.seconds * 1000),
        "signatureCipher": f"s={cipher}&sp=sig&url=https://streams.example/videoplayback"
        f"%3Fitag%3D{itag}%26id%3D{cipher}%26dur%3D{track.seconds}",
    }
    if height:
        return made | {"width": height * 16 // 9, "height": height, "fps": 25}
    return made | {"audioQuality": "AUDIO_QUALITY_MEDIUM", "audioSampleRate": "44100"}


def _tracking(track: Track) -> Json:
    base = (
        f"https://stats.example/api?docid={track.video_id}&len={track.seconds}&ns=yt&el=detailpage"
    )
    names = ("videostatsPlaybackUrl", "videostatsDelayplayUrl", "videostatsWatchtimeUrl")
    return {name: {"baseUrl": f"{base}&{name}"} for name in names}


def _microformat(track: Track) -> Json:
    address = f"https://music.youtube.com/watch?v={track.video_id}"
    return {
        "microformatDataRenderer": {
            "urlCanonical": address,
            "title": f"{track.title} - YouTube Music",
            "description": f"{track.title} · {track.byline}",
            "thumbnail": video_thumbnails(track.video_id),
            "siteName": "YouTube Music",
            "unlisted": False,
            "paid": False,
            "familySafe": not track.explicit,
            "availableCountries": ["DE", "FR", "GB", "JP", "US"],
            "pageOwnerDetails": {
                "name": track.primary.name,
                "externalChannelId": track.primary.channel_id,
            },
            "videoDetails": {
                "externalVideoId": track.video_id,
                "durationSeconds": str(track.seconds),
                "durationIso8601": f"PT{track.seconds // 60}M{track.seconds % 60}S",
            },
            "viewCount": str(track.plays),
            "publishDate": f"{track.year}-03-01T00:00:00-08:00",
            "category": "Music",
            "uploadDate": f"{track.year}-03-01T00:00:00-08:00",
        }
    }
