"""The console by keyboard, by ear, on a phone, in the dark, without motion; and its files."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.catalogue import catalogue_of
from services.endpoints.catalog import FILTERS
from services.parsers.charts import CHART_COUNTRIES
from tests.contract.test_architecture import MOST_LINES

CONSOLE = Path("services/pages/console")
CATALOGUE = catalogue_of(7)
SYNCED = CATALOGUE.with_lyrics(lrclib="synced")[0]
ROUTES = {
    "/": ".card .cover",
    "/hot100": ".row .cover.loaded",
    "/search?query=lantern": ".row .cover.loaded",
    f"/artist/{CATALOGUE.artists[0].id}": ".profile .cover.loaded",
    f"/song/{SYNCED.video_id}": ".sung",
}
SMALL = {"width": 360, "height": 740}

#: What has a role but no name, headings that leap, and ids that are not single.
FAULTS_OF_STRUCTURE = """() => {
  const seen = (element) => element.checkVisibility();
  const name = (element) => element.getAttribute("aria-label") || element.innerText?.trim()
    || element.querySelector("img[alt]")?.alt || element.labels?.[0]?.textContent;
  const nameless = [...document.querySelectorAll("a, button, input, select, summary, [role]")]
    .filter((element) => seen(element) && element.role !== "status" && !name(element));
  const levels = [...document.querySelectorAll("h1, h2, h3")].filter(seen)
    .map((heading) => Number(heading.tagName[1]));
  const leaps = levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1);
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return {
    nameless: nameless.map((element) => element.outerHTML.slice(0, 120)),
    leaps, tops: levels.filter((level) => level === 1).length,
    twice: ids.filter((id, index) => ids.indexOf(id) !== index),
    pictures: document.querySelectorAll("img:not([alt])").length,
  };
}"""
#: Words whose colour is too near to what they stand on (WCAG 2.2, 1.4.3): AA wants 4.5, or 3 for
#: large ones. Pictures and what fades out behind the bar are no ground that can be told.
TOO_FAINT = """() => {
  const brush = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true });
  const painted = (colours) => {
    brush.clearRect(0, 0, 1, 1);
    for (const colour of colours) { brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1); }
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const grounds = (element) => {
    const found = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      found.unshift(colour);
      if (painted([colour])[3] === 255) break;
    }
    return found;
  };
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [.2126, .7152, .0722][index], 0);
  const ratio = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + .05) / (dark + .05);
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!words || !element.checkVisibility()) continue;
    if (element.closest(".cover, .unseen, .skip, :disabled")) continue;
    const style = getComputedStyle(element);
    const ground = grounds(element);
    const found = ratio(painted(ground), painted([...ground, style.color]));
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const wanted = isLarge ? 3 : 4.5;
    if (found < wanted) faint.push(`${element.className}: ${found.toFixed(2)}`);
  }
  return [...new Set(faint)];
}"""


def shown(page, route):
    """The page at a route, its first content there."""
    page.evaluate("route => { location.hash = route }", route)
    expect(page.locator(ROUTES[route]).first).to_be_visible()


def test_everything_has_a_name_and_headings_are_in_order(open_console):
    page = open_console()
    for route in ROUTES:
        shown(page, route)
        found = page.evaluate(FAULTS_OF_STRUCTURE)
        sound = {"nameless": [], "leaps": [], "tops": 1, "twice": [], "pictures": 0}
        assert found == sound, route
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_in_the_light_and_in_the_dark(open_console, scheme):
    page = open_console(color_scheme=scheme)
    for route in ROUTES:
        shown(page, route)
        assert page.evaluate(TOO_FAINT) == [], route
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
    assert (brightness < 60) == (scheme == "dark")


def test_a_phone_never_scrolls_sideways(open_console):
    page = open_console(viewport=SMALL, has_touch=True)
    for route in ROUTES:
        shown(page, route)
        assert page.evaluate("document.documentElement.scrollWidth") == SMALL["width"], route
        beyond = page.evaluate(
            """() => [...document.querySelectorAll("main *")]
                 .filter((element) => !element.closest(".raw, .curl, .names > *"))
                 .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
                 .map((element) => element.outerHTML.slice(0, 80))"""
        )
        assert beyond == [], route


def test_without_motion_nothing_moves(open_console, emulator):
    page = open_console(f"/song/{SYNCED.video_id}", reduced_motion="reduce")
    page.locator(".sung").nth(8).click()
    top = page.evaluate("document.querySelector('.lyrics').scrollTop")
    assert top > 0, "it leaps there at once"
    emulator.faults.set(Fault(None, "hang"))
    page.evaluate("location.hash = '/trending?country=IT'")
    ghost = page.locator(".ghost").first
    expect(ghost).to_be_visible()
    assert ghost.evaluate("ghost => getComputedStyle(ghost).animationName") == "none"


def test_the_keyboard_skips_to_the_content_and_sees_where_it_is(open_console):
    page = open_console("/hot100")
    expect(page.locator(".row")).to_have_count(100)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.url.endswith("#/hot100"), "it is no route"
    page.keyboard.press("Tab")
    first = page.locator(".row a.name").first
    expect(first).to_be_focused()
    assert first.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"


def test_the_page_and_its_files_are_small_and_there(console_gateway):
    files = [path for path in CONSOLE.rglob("*") if path.name != "index.html" and path.is_file()]
    for path in files:
        answer = console_gateway.get(f"/assets/console/any/{path.relative_to(CONSOLE)}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert len(path.read_text().splitlines()) <= MOST_LINES
    packed = [console_gateway.get(f"/assets/console/any/{p.relative_to(CONSOLE)}") for p in files]
    assert sum(int(answer.headers["Content-Length"]) for answer in packed) < 40_000
    icon = console_gateway.get("/favicon.ico")
    assert (icon.status_code, icon.headers["Content-Type"][:6]) == (200, "image/")
    assert console_gateway.get("/robots.txt").text.startswith("User-agent: *")


def test_the_page_offers_what_the_gateway_takes():
    countries = re.findall(r"\b[A-Z]{2}\b", (CONSOLE / "views/countries.js").read_text())
    assert set(countries) - {"ZZ"} == CHART_COUNTRIES - {"ZZ"}
    assert "ZZ" in countries
    filters = re.search(r"FILTERS = \[(.*)\]", (CONSOLE / "views/search.js").read_text())
    assert set(re.findall(r"\w+", filters[1])) <= set(FILTERS)
