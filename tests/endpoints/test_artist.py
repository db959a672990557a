"""GET /artist/<id>: the artist's page."""

from __future__ import annotations

import pytest

from tests.endpoints.truth import asked, assert_every_image_list_is_large, ids, told


@pytest.mark.parametrize(
    "sample", ["artist_more_albums", "artist_carousel_only", "artist_other_channel"]
)
def test_the_page_holds_what_the_catalogue_knows(sample, running, emulator, catalogue, samples):
    artist = catalogue.artist(samples[sample][1])

    page = told(running.get(f"/artist/{artist.id}"))

    assert page["name"] == artist.name
    assert page["channelId"] == artist.channel_id
    assert page["description"].startswith(artist.description)
    assert ids(page["songs"]["results"]) == ids(artist.top_songs[:5])
    assert page["songs"]["browseId"] == f"VL{artist.songs_playlist_id}"
    assert asked(emulator) == {"ytmusic/artist": 1}


def test_the_carousels_show_the_first_releases_and_link_to_the_rest(running, catalogue, samples):
    artist = catalogue.artist(samples["artist_more_albums"][0])

    page = told(running.get(f"/artist/{artist.id}"))

    for name, releases in (("albums", artist.albums), ("singles", artist.singles)):
        shown = [(item["browseId"], item["title"]) for item in page[name]["results"]]
        assert shown == [(one.id, one.title) for one in releases[: artist.shown]]
        assert page[name]["browseId"] == artist.discography_id
        assert page[name]["params"]
    videos = [item["videoId"] for item in page["videos"]["results"]]
    assert videos == ids(artist.videos[:10])
    related = [item["browseId"] for item in page["related"]["results"]]
    assert related == [other.id for other in artist.related]


@pytest.mark.parametrize(
    "sample",
    ["artist_more_albums", "artist_singles_only", "artist_videos_only", "artist_bare"],
)
def test_every_image_list_of_the_page_is_large(sample, running, samples):
    page = told(running.get(f"/artist/{samples[sample][0]}"))

    assert_every_image_list_is_large(page, at_least=5)


def test_every_awkward_name_is_kept_as_it_is(running, catalogue, samples):
    for artist_id in samples["artist_awkward_name"]:
        page = told(running.get(f"/artist/{artist_id}"))

        assert page["name"] == catalogue.artist(artist_id).name


def test_an_artist_without_releases_has_a_page(running, samples):
    page = told(running.get(f"/artist/{samples['artist_bare'][0]}"))

    assert page["name"]
    assert not page.get("albums")
    assert not page.get("singles")


def test_an_unknown_artist_is_not_found(running):
    response = running.get("/artist/UC" + "0" * 22)

    assert (response.status_code, response.json["code"]) == (404, "not_found")
