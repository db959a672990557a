"""The cover is the smallest picture that suffices, and only what may be resized is resized."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.parsers.covers import MOST_PX, best_cover, is_upstreams, pictures_of
from services.parsers.thumbnails import printed_sides

GOOGLE = "https://lh3.googleusercontent.com/abc_DEF-1"
YTIMG = "https://i.ytimg.com/vi/aBcDeFgHiJ0"

sizes = st.integers(16, 2000)
pixels = st.integers(1, 3000)
squares = pixels.map(lambda side: (side, side))
shapes = squares | st.tuples(pixels, pixels)


def image(url, width=60, height=60):
    return {"url": url, "width": width, "height": height}


@st.composite
def stills(draw, sides=shapes):
    """Pictures whose URLs must stay as they are, each with a name of its own."""
    found = draw(st.lists(sides, min_size=1, max_size=8, unique=True))
    signed = draw(st.sampled_from([f"{YTIMG}/%d.jpg?sqp=a&rs=b", f"{GOOGLE}=s88-c-dcAbC%d"]))
    return pictures_of([image(signed % n, *both) for n, both in enumerate(found)])


@given(stills(squares), sizes)
def test_of_what_stays_as_it_is_the_smallest_that_suffices_is_chosen(pictures, size):
    chosen = next(one for one in pictures if one["url"] == best_cover(pictures, size))
    enough = [one["width"] for one in pictures if one["width"] >= size]

    assert chosen["width"] == (min(enough) if enough else max(one["width"] for one in pictures))


@given(stills(), sizes)
def test_what_must_not_be_edited_is_given_as_it_was_listed(pictures, size):
    assert best_cover(pictures, size) in {one["url"] for one in pictures}


@given(stills(), sizes)
def test_no_smaller_square_would_have_done(pictures, size):
    by_url = {one["url"]: sorted((one["width"], one["height"])) for one in pictures}
    shorter, _ = by_url[best_cover(pictures, size)]
    squares = [low for low, high in by_url.values() if low == high]
    assume(any(low >= size for low in squares))

    assert size <= shorter <= min(low for low in squares if low >= size)


@pytest.mark.parametrize("size", [16, 300, 544, 2000])
@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        ("w60-h60-l90-rj", "w{0}-h{0}-l90-rj"),
        ("w540-h225-p-l90-rj", "w{0}-h{0}-p-l90-rj"),
        ("w60-c-h60-k-c0x00ffffff-no-l90-rj", "w{0}-c-h{0}-k-c0x00ffffff-no-l90-rj"),
        ("s48-c-k-c0x00ffffff-no-rj", "s{0}-c-k-c0x00ffffff-no-rj"),
        ("s192", "s{0}"),
    ],
)
def test_what_says_its_own_size_is_asked_for_in_exactly_this_one(listed, wanted, size):
    sides = [*printed_sides(f"{GOOGLE}={listed}").values()]
    pictures = pictures_of([image(f"{GOOGLE}={listed}", sides[0], sides[-1])])

    assert best_cover(pictures, size) == f"{GOOGLE}={wanted.format(size)}"


def test_what_is_not_cut_keeps_its_shape():
    wide = pictures_of([image(f"{GOOGLE}=w320-h180-l90-rj", 320, 180)])

    assert best_cover(wide, 360) == f"{GOOGLE}=w640-h360-l90-rj"


@given(pixels, pixels, sizes, st.sampled_from(["-p", "-c", ""]))
def test_no_server_is_asked_for_more_than_upstream_lists_itself(width, height, size, cut):
    url = best_cover([image(f"{GOOGLE}=w{width}-h{height}{cut}", width, height)], size)

    assert 1 <= min(printed_sides(url).values()) <= max(printed_sides(url).values()) <= MOST_PX


def test_a_square_is_preferred_to_a_still_that_fits_better():
    square, still = image(f"{YTIMG}/square.jpg", 1200, 1200), image(f"{YTIMG}/hq.jpg", 800, 450)

    assert best_cover([still, square], 400) == square["url"]


def test_a_large_still_is_better_than_a_square_that_is_too_small():
    square, still = image(f"{GOOGLE}=s88-c-dcA1", 88, 88), image(f"{YTIMG}/hq.jpg", 800, 450)

    assert best_cover([square, still], 400) == still["url"]
    assert best_cover([square, still], 544) == still["url"]


def test_nothing_is_chosen_of_nothing():
    assert best_cover([], 544) is None


@pytest.mark.parametrize("images", [None, {}, "x", [None, 1, {"width": 60}, {"url": 5}]])
def test_what_is_no_list_of_pictures_holds_none(images):
    assert pictures_of(images) == []


def test_sides_that_are_not_told_are_read_from_the_url_or_unknown():
    told = pictures_of([{"url": f"{GOOGLE}=w100-h50"}, {"url": f"{YTIMG}/x.jpg", "width": "60"}])

    assert told == [image(f"{YTIMG}/x.jpg", 0, 0), image(f"{GOOGLE}=w100-h50", 100, 50)]
    assert best_cover(told[:1], 16) == f"{YTIMG}/x.jpg"


@pytest.mark.parametrize(
    "url",
    [f"{GOOGLE}=w60-h60", "https://yt3.ggpht.com/x=s88", f"{YTIMG}/hqdefault.jpg?sqp=-oay&rs=A_"],
)
def test_pictures_are_where_upstream_lists_them(url):
    assert is_upstreams(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://lh3.googleusercontent.com/x=s88",
        "https://lh3.googleusercontent.com.evil.example/x",
        "https://evilgoogleusercontent.com/x",
        "https://lh3.googleusercontent.com@evil.example/x",
        "https://evil.example/https://i.ytimg.com/vi/x.jpg",
        "https://i.ytimg.com:444/vi/x.jpg",
        "//i.ytimg.com/vi/x.jpg",
        "javascript:alert(1)//i.ytimg.com/",
        "https://i.ytimg.com/vi/x.jpg\r\nSet-Cookie: a=b",
        "https://i.ytimg.com/vi/ x.jpg",
        "https://i.ytimg.com/vi/é.jpg",
        "http://127.0.0.1:93/_art/x",
        "",
    ],
)
def test_no_other_place_is_one_of_theirs(url):
    assert not is_upstreams(url)
    assert not is_upstreams(url, "http://127.0.0.1:9300/ytmusic")


def test_an_upstream_set_elsewhere_may_have_its_pictures_there():
    base = "http://127.0.0.1:9300/ytmusic"

    assert is_upstreams("http://127.0.0.1:9300/_art/x=w60", base)
    assert not is_upstreams("http://127.0.0.1:93000/_art/x=w60", base)
    assert not is_upstreams("http://127.0.0.1:9300.evil.example/_art/x", base)
