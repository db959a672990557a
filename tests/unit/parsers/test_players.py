"""What a player answer says about a song, and when it says nothing."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import GatewayError, NotFound, UpstreamChanged, UpstreamUnavailable
from services.parsers.players import check_playable, song_from_player, without_streaming

VIDEO = "aBcDeFgHiJ0"
IMAGE = {"url": "https://i.ytimg.com/vi/aBcDeFgHiJ0/hqdefault.jpg", "width": 480, "height": 360}
DETAILS = {
    "videoId": VIDEO,
    "title": "Erfunden",
    "lengthSeconds": "225",
    "channelId": "UCx",
    "author": "Niemand - Topic",
    "musicVideoType": "MUSIC_VIDEO_TYPE_ATV",
    "thumbnail": {"thumbnails": [IMAGE]},
}
MICROFORMAT = {"microformatDataRenderer": {"publishDate": "2019-05-17T00:00:00-07:00"}}


def player(status="OK", reason=None, details=DETAILS, **more):
    found = {"playabilityStatus": {"status": status}, **more}
    if reason is not None:
        found["playabilityStatus"]["reason"] = reason
    if details is not None:
        found["videoDetails"] = details
    return found


def test_a_player_becomes_a_song():
    assert song_from_player(player(microformat=MICROFORMAT), VIDEO) == {
        "album": None,
        "artists": [{"id": "UCx", "name": "Niemand"}],
        "category": "Songs",
        "duration": "3:45",
        "duration_seconds": 225,
        "feedbackTokens": None,
        "inLibrary": False,
        "isExplicit": False,
        "resultType": "song",
        "thumbnails": [IMAGE],
        "title": "Erfunden",
        "videoId": VIDEO,
        "videoType": "MUSIC_VIDEO_TYPE_ATV",
        "year": "2019",
    }


@pytest.mark.parametrize(
    ("length", "printed"),
    [("3723", "1:02:03"), ("0", None), (None, None), ("x", None), (225, None), ("9" * 30, None)],
)
def test_the_length_is_printed_when_it_is_one(length, printed):
    song = song_from_player(player(details={**DETAILS, "lengthSeconds": length}), VIDEO)
    assert song["duration"] == printed


@pytest.mark.parametrize(
    "microformat",
    [None, {}, {"microformatDataRenderer": None}, {"microformatDataRenderer": {"uploadDate": "x"}}],
)
def test_without_a_date_there_is_no_year(microformat):
    assert song_from_player(player(microformat=microformat), VIDEO)["year"] is None


def test_the_upload_date_stands_in_for_the_publish_date():
    microformat = {"microformatDataRenderer": {"uploadDate": "2001-02-03"}}
    assert song_from_player(player(microformat=microformat), VIDEO)["year"] == "2001"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("LOGIN_REQUIRED", "Sign in to confirm your age"),
        ("UNPLAYABLE", "This video is only available to Music Premium members"),
        ("UNPLAYABLE", "The uploader has not made this video available in your country"),
        ("UNPLAYABLE", "Video unavailable"),
        ("LIVE_STREAM_OFFLINE", "Premieres in 2 hours"),
        ("CONTENT_CHECK_REQUIRED", None),
    ],
)
def test_a_song_that_cannot_be_played_here_is_still_a_song(status, reason):
    assert song_from_player(player(status, reason), VIDEO)["title"] == "Erfunden"


@pytest.mark.parametrize(
    ("status", "reason", "details"),
    [
        ("ERROR", "Video unavailable", None),
        ("ERROR", "This video is unavailable", DETAILS),
        ("ERROR", None, None),
        ("LOGIN_REQUIRED", "This video is private", None),
        ("LOGIN_REQUIRED", "Private video", DETAILS),
        ("UNPLAYABLE", "This video has been removed by the uploader", DETAILS),
        ("UNPLAYABLE", "This video is no longer available", None),
    ],
)
def test_a_video_that_is_gone_is_not_found(status, reason, details):
    with pytest.raises(NotFound):
        check_playable(player(status, reason, details))


@pytest.mark.parametrize(
    ("status", "reason", "details"),
    [
        ("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot", None),
        ("LOGIN_REQUIRED", "Sign in to confirm you're not a bot", DETAILS),
        ("ERROR", "This content isn't available, try again later.", None),
        ("LOGIN_REQUIRED", "Please sign in", None),
        ("UNPLAYABLE", "This video is not available on this app", None),
    ],
)
def test_a_refusal_of_this_server_proves_nothing_about_the_song(status, reason, details):
    with pytest.raises(UpstreamUnavailable):
        check_playable(player(status, reason, details))


def test_a_private_video_may_say_so_in_its_messages():
    private = player("LOGIN_REQUIRED", details=None)
    private["playabilityStatus"]["messages"] = ["This is a private video.", None]
    with pytest.raises(NotFound):
        check_playable(private)


@pytest.mark.parametrize(
    "drifted",
    [
        {},
        {"videoDetails": DETAILS},
        {"playabilityStatus": None, "videoDetails": DETAILS},
        {"playabilityStatus": {"reason": "x"}},
        player(details=None),
        player(details={}),
        player("SOMETHING_NEW", details=None),
        [],
        None,
    ],
)
def test_an_unknown_layout_is_called_so(drifted):
    with pytest.raises(UpstreamChanged):
        check_playable(drifted)


def test_details_without_a_title_are_no_song():
    with pytest.raises(UpstreamChanged):
        song_from_player(player(details={"videoId": VIDEO}), VIDEO)


def test_only_the_stream_addresses_are_taken_out():
    whole = player(streamingData={"formats": []}, playbackTracking={"a": 1})
    before = copy.deepcopy(whole)
    assert without_streaming(whole) == player(playbackTracking={"a": 1})
    assert whole == before


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
names = ["playabilityStatus", "videoDetails", "microformat"]


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(names, values)),
    st.sampled_from(["OK", "ERROR", "UNPLAYABLE", None]),
    st.dictionaries(st.sampled_from([*DETAILS]), values),
)
def test_only_our_errors_leave_the_parser(found, status, details):
    for drifted in (found, {**found, **player(status, details=details)}):
        try:
            song_from_player(drifted, VIDEO)
        except GatewayError:
            continue
