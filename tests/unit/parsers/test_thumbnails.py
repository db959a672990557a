"""Every list reaches 544 px where its URLs may be edited, and nothing else changes."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parsers.thumbnails import video_thumbnails, with_large_thumbnails

VIDEO = "aBcDeFgHiJ0"
GOOGLE = "https://lh3.googleusercontent.com/abc_DEF-1"


def image(url, width=60, height=60):
    return {"url": url, "width": width, "height": height}


def enlarged(*images):
    return with_large_thumbnails({"thumbnails": list(images)})["thumbnails"]


@pytest.mark.parametrize(
    ("flags", "large"),
    [
        ("w60-h60-l90-rj", "w544-h544-l90-rj"),
        ("w60-h60-p-l90-rj", "w544-h544-p-l90-rj"),
        ("w60-h60-s-l90-rj", "w544-h544-s-l90-rj"),
        ("s192", "s544"),
        ("s48-c-k-c0x00ffffff-no-cc-rj-rp", "s544-c-k-c0x00ffffff-no-cc-rj-rp"),
        ("w60-c-h60-k-c0x00ffffff-no-l90-rj", "w544-c-h544-k-c0x00ffffff-no-l90-rj"),
    ],
)
def test_only_the_numbers_after_the_last_equals_sign_are_replaced(flags, large):
    small = image(f"{GOOGLE}={flags}")
    assert enlarged(small) == [small, image(f"{GOOGLE}={large}", 544, 544)]


def test_numbers_before_the_last_equals_sign_belong_to_the_address():
    url = "https://yt3.ggpht.com/w60-h60=x-s20=s88"
    assert enlarged(image(url, 88, 88))[-1]["url"] == "https://yt3.ggpht.com/w60-h60=x-s20=s544"


def test_the_aspect_ratio_stays():
    wide = image(f"{GOOGLE}=w320-h180-l90-rj", 320, 180)
    assert enlarged(wide)[-1] == image(f"{GOOGLE}=w544-h306-l90-rj", 544, 306)


def test_sides_that_the_entry_lacks_are_read_from_the_url():
    assert enlarged({"url": f"{GOOGLE}=w100-h50"})[-1] == image(f"{GOOGLE}=w544-h272", 544, 272)


def test_the_largest_editable_image_is_enlarged_even_when_a_larger_one_is_signed():
    signed = image("https://yt3.ggpht.com/x=s176-c-dcAbC12", 176, 176)
    plain = image("https://yt3.ggpht.com/y=s88", 88, 88)
    assert [entry["url"][-4:] for entry in enlarged(plain, signed)] == ["=s88", "bC12", "s544"]


@pytest.mark.parametrize(
    "url",
    [
        "https://yt3.ggpht.com/x=s88-c-k-dcLKJ12",
        "https://i.ytimg.com/pl_c/PL123/studio_square_thumbnail.jpg?sqp=a&rs=b",
        "https://i.ytimg.com/podcasts_artwork/x.jpg?sqp=a",
        "https://images.example/x=s88",
        "https://evilgoogleusercontent.com/x=s88",
        "https://lh3.googleusercontent.com.example/x=s88",
        "https://lh3.googleusercontent.com/x?size=s88",
        "https://lh3.googleusercontent.com/x=s0",
        "//s.ytimg.com/yts/img/a.png",
        "http://[",
        "",
    ],
)
def test_urls_that_may_not_be_edited_are_left_alone(url):
    assert enlarged(image(url, 88, 88)) == [image(url, 88, 88)]


def test_a_signed_video_image_gets_an_unsigned_companion():
    signed = image(f"https://i.ytimg.com/vi/{VIDEO}/sddefault.jpg?sqp=-oay&rs=AMz", 400, 225)
    assert enlarged(signed) == [
        signed,
        image(f"https://i.ytimg.com/vi/{VIDEO}/sddefault.jpg", 640, 480),
    ]


def test_a_webp_image_stays_webp():
    small = image(f"https://i.ytimg.com/vi_webp/{VIDEO}/mqdefault.webp", 320, 180)
    assert enlarged(small)[-1]["url"] == f"https://i.ytimg.com/vi_webp/{VIDEO}/sddefault.webp"


def test_a_list_with_a_large_image_is_only_sorted():
    large, small = image(f"{GOOGLE}=s576", 576, 576), image(f"{GOOGLE}=s192", 192, 192)
    assert enlarged(large, small) == [small, large]


@pytest.mark.parametrize("images", [[], None])
def test_a_track_without_images_gets_those_of_its_video(images):
    track = {"title": "Ohne Bild", "videoId": VIDEO, "thumbnails": images}
    assert with_large_thumbnails(track)["thumbnails"] == video_thumbnails(VIDEO)


def test_a_track_without_the_key_gets_the_images_of_its_video():
    found = with_large_thumbnails([{"title": "Ohne Bild", "videoId": VIDEO}])
    assert found[0]["thumbnails"] == video_thumbnails(VIDEO)


def test_a_watch_track_keeps_its_list_under_its_own_key():
    small = image(f"{GOOGLE}=w60-h60-l90-rj")
    track = with_large_thumbnails({"title": "x", "videoId": VIDEO, "thumbnail": [small]})
    assert [entry["width"] for entry in track["thumbnail"]] == [60, 544]
    assert "thumbnails" not in track


def test_player_details_are_filled_two_levels_below_the_id():
    details = {"videoId": VIDEO, "title": "x", "thumbnail": {"thumbnails": []}}
    player = with_large_thumbnails({"videoDetails": details})
    assert player["videoDetails"]["thumbnail"] == {"thumbnails": video_thumbnails(VIDEO)}
    assert "thumbnails" not in player["videoDetails"]


@pytest.mark.parametrize(
    "node",
    [
        {"error": "Failed", "videoId": VIDEO},
        {"watchEndpoint": {"videoId": VIDEO}},
        {"title": "x", "videoId": "../../etc"},
        {"title": "x", "videoId": None, "thumbnails": None},
        {"thumbnail": "https://images.example/a.jpg"},
        {"thumbnails": ["not an image", 3, None]},
        {"thumbnails": [{"width": 5}]},
        {"thumbnails": {"url": "x"}},
        None,
        3,
        "thumbnails",
    ],
)
def test_what_is_no_track_and_no_image_list_stays(node):
    assert with_large_thumbnails(node) == node


def test_the_input_is_not_changed():
    payload = {"a": [{"title": "t", "videoId": VIDEO, "thumbnails": [image(f"{GOOGLE}=s88")]}]}
    before = copy.deepcopy(payload)
    result = with_large_thumbnails(payload)
    result["a"][0]["thumbnails"][0]["url"] = "changed"
    assert payload == before


urls = st.one_of(
    st.builds(
        "https://{}.{}.com/{}={}".format,
        st.sampled_from(["lh3", "yt3"]),
        st.sampled_from(["googleusercontent", "ggpht", "example"]),
        st.from_regex(r"[A-Za-z0-9_=-]{1,12}", fullmatch=True),
        st.from_regex(r"(w\d{1,4}-h\d{1,4}|s\d{1,4})(-l90-rj|-dcX|)", fullmatch=True),
    ),
    st.just(f"https://i.ytimg.com/vi/{VIDEO}/hqdefault.jpg?sqp=x"),
    st.text(max_size=20),
)
sides = st.one_of(st.none(), st.integers(-5, 2000))
images = st.fixed_dictionaries({"url": urls}, optional={"width": sides, "height": sides})
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), images)
keys = st.sampled_from(["thumbnails", "thumbnail", "title", "videoId", "other"])
payloads = st.recursive(
    leaves | st.lists(images, max_size=4) | st.just(VIDEO),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(payloads)
def test_a_second_pass_changes_nothing(payload):
    once = with_large_thumbnails(payload)
    assert with_large_thumbnails(once) == once


@given(st.lists(images, min_size=1, max_size=5))
def test_every_image_stays_in_the_list(given_images):
    urls_after = [
        entry["url"] for entry in with_large_thumbnails({"thumbnails": given_images})["thumbnails"]
    ]
    assert sorted(urls_after)[: len(urls_after)] and {i["url"] for i in given_images} <= set(
        urls_after
    )
    assert len(urls_after) - len(given_images) in (0, 1)
