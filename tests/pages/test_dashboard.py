"""The operator's board in Chromium, over a gateway whose upstreams and Redis misbehave."""

import re

import pytest
import requests
from playwright.sync_api import expect

from scripts.upstream_emulator import Fault
from tests.pages.conftest import PATIENCE_MS, PHONE
from tests.redis_server import RedisServer, wait_until
from tests.system.conftest import Process, free_port

pytestmark = pytest.mark.slow

TOKEN = "an-operators-token-0123456789"
#: A timeout soon, and no retry: each fault is one failure.
HASTY = {
    "UPSTREAM_TIMEOUT_SEC": "0.5",
    "UPSTREAM_RETRY_ATTEMPTS": "0",
    "ENABLE_RATE_LIMITS": "false",
}
#: What the browser says by itself of an answer that is none, and of one that never came.
UNAUTHORIZED = "status of 401"
NO_CONNECTION = "ERR_CONNECTION"
TURN_AWAY = """(isHidden) => {
    Object.defineProperty(document, "hidden", { get: () => isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def gateway(start_gateway, shared_emulator):
    return start_gateway(**HASTY, TRANSLATE_URL=shared_emulator.base_url("translate"))


@pytest.fixture(scope="module")
def guarded(shared_emulator):
    """A gateway behind a token, over a Redis of its own; both may be stopped and started."""
    with RedisServer() as server:
        quiet = {"ACCESS_LOG": "false", "LOG_LEVEL": "ERROR", "ADMIN_TOKEN": TOKEN}
        shared = {"CACHE_BACKEND": "redis", "REDIS_URL": server.url}
        scene = Guarded(server, {**shared_emulator.environment(), **HASTY, **quiet, **shared})
        scene.start()
        yield scene
        scene.stop()


class Guarded:
    """It keeps its port when it is started again."""

    def __init__(self, redis, environment):
        self.redis, self.environment = redis, environment
        self.port = 0
        self.process = None

    def start(self):
        self.port = self.port or free_port()
        self.process = Process(["app.py"], self.environment, self.port)
        self.process.wait_until_it_answers()

    def stop(self):
        self.process.stop()

    @property
    def board(self):
        return f"{self.process.url}/dashboard"


@pytest.fixture
def told_token(guarded, open_page):
    """Opens the board of the guarded gateway with its token."""

    def open_one(*complaints):
        page = open_page(guarded.board, complaints=(UNAUTHORIZED, *complaints))
        page.get_by_label("Operator's token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("#board")).to_be_visible(timeout=PATIENCE_MS)
        return page

    return open_one


def ask(gateway, target, request_id="asked-0001"):
    return requests.get(gateway.url + target, headers={"X-Request-ID": request_id}, timeout=30)


def see(locator, text):
    expect(locator).to_contain_text(text, timeout=PATIENCE_MS)


def tile(page, name):
    return page.locator(".tile").filter(has=page.get_by_role("heading", name=name))


def fact(page, part, name):
    panel = page.locator("#facts .panel").filter(has=page.get_by_role("heading", name=part))
    return panel.locator("div").filter(has_text=re.compile(f"^{re.escape(name)}")).locator("dd")


def share_of(text):
    return float(text.partition(" ")[0])


def test_a_storm_of_refusals_is_seen_and_so_is_its_end(gateway, open_page, emulator):
    ask(gateway, "/search?query=warm")
    page = open_page(f"{gateway.url}/dashboard")
    row = page.locator("#upstreams tbody tr").filter(has_text="ytmusic")
    see(page.locator("#state"), "Healthy")
    see(row, "closed")

    for _ in range(60):
        assert ask(gateway, "/search?query=warm").headers["X-Cache"] == "hit"
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=429, retry_after=9))
    for number in range(4):
        assert ask(gateway, f"/search?query=cold{number}", f"storm-000{number}").status_code == 503

    see(row, "open, tried in")  # for nine seconds only
    see(page.locator("#state"), "Degraded")
    see(page.locator("#reasons"), "ytmusic fails: of its answers only the stored ones go out.")
    see(row, "UpstreamBlocked")
    failures = page.locator("#failures tbody tr")
    see(failures.filter(has_text="storm-0000"), "ytmusic refuses requests now.")
    paused = failures.filter(has_text="storm-0003")
    for text in ("503", "upstream_unavailable", "GET /search", "ytmusic is left alone for a while"):
        see(paused, text)
    see(page.locator("#failure-counts"), "4 upstream_unavailable")
    cached = tile(page, "From the cache").locator("strong")
    expect(cached).to_have_text(re.compile(r"9\d\.\d %"), timeout=PATIENCE_MS)

    emulator.faults.clear()
    see(row, "half-open")
    assert ask(gateway, "/search?query=back").status_code == 200
    see(row, "closed")
    see(page.locator("#state"), "Healthy")
    expect(page.locator("#reasons")).to_be_hidden()
    see(failures.first, "503")


def test_hanging_slow_and_changed_upstreams_each_have_their_name(gateway, open_page, emulator):
    page = open_page(f"{gateway.url}/dashboard")
    emulator.faults.set(Fault(host="ytmusic", kind="hang", times=1))
    assert ask(gateway, "/search?query=hangs", "hangs-00001").status_code == 504
    emulator.faults.set(Fault(host="ytmusic", kind="slow", delay_ms=300, times=1))
    assert ask(gateway, "/search?query=slow").status_code == 200
    emulator.faults.set(Fault(host="ytmusic", kind="renamed_renderer", times=1))
    assert ask(gateway, "/search?query=moved", "moved-00001").status_code == 502

    failures = page.locator("#failures tbody tr")
    see(failures.filter(has_text="hangs-00001"), "upstream_timeout")
    see(failures.filter(has_text="moved-00001"), "upstream_changed")
    page.get_by_role("radio", name="Fetches", exact=True).check()
    see(failures.first, "UpstreamChanged")
    see(failures.first, "search")
    page.get_by_role("radio", name="Upstream calls", exact=True).check()
    see(failures.filter(has_text="UpstreamTimeout").first, "did not answer in time")
    page.get_by_role("radio", name="Answers 4xx", exact=True).check()
    assert ask(gateway, "/song/bad", "wrong-00001").status_code == 400
    see(failures.filter(has_text="wrong-00001"), "must be a video id")


def test_what_people_type_is_masked_where_nobody_knows_who_looks(gateway, open_page, emulator):
    for _ in range(3):
        ask(gateway, "/search?query=typed-by-somebody")

    page = open_page(f"{gateway.url}/dashboard")

    see(page.locator("#keys"), "search:…")
    see(page.locator("#keys-note"), "masked")
    expect(page.locator("body")).not_to_contain_text("typed-by-somebody")


def test_a_plot_can_be_read_by_keyboard_and_as_a_table(gateway, open_page, emulator):
    page = open_page(f"{gateway.url}/dashboard")
    plot = page.locator(".plot").first
    picture = plot.get_by_role("img")
    expect(picture).to_have_attribute("aria-label", re.compile("Answers a second. Now: fresh "))

    picture.focus()
    page.keyboard.press("Home")
    expect(plot.locator(".when")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    expect(plot.locator(".cursor")).to_have_attribute("visibility", "visible")
    page.keyboard.press("Escape")
    expect(plot.locator(".cursor")).to_have_attribute("visibility", "hidden")

    plot.get_by_text("As a table").click()
    expect(plot.locator("table tr").first).to_have_text("Timefreshstalefetched4xx5xx")
    assert plot.locator("table tr").count() > 1


def test_every_upstream_there_is_has_its_line(gateway, guarded, open_page, told_token):
    translating = open_page(f"{gateway.url}/dashboard")
    plot = translating.locator(".plot").filter(has_text="Upstream latency")
    lines = plot.locator("path[data-tone]")
    expect(lines).to_have_count(6, timeout=PATIENCE_MS)
    see(plot.locator(".legend"), "translate")
    assert len({line.evaluate("one => getComputedStyle(one).stroke") for line in lines.all()}) == 6

    plain = told_token().locator(".plot").filter(has_text="Upstream latency")
    expect(plain.locator("path[data-tone]")).to_have_count(5, timeout=PATIENCE_MS)
    expect(plain.locator(".legend")).not_to_contain_text("translate")


def test_who_comes_late_has_missed_nothing_and_chooses_how_much_to_see(
    gateway, open_page, emulator
):
    """The page is new, the plot is not: its first moments lie before the page was opened."""
    figures = f"{gateway.url}/dashboard/figures"
    wait_until(lambda: len(requests.get(figures, timeout=PATIENCE_MS / 1000).json()["rows"]) > 3)
    page = open_page(f"{gateway.url}/dashboard")
    expect(page.locator("#board")).to_be_visible(timeout=PATIENCE_MS)

    assert len(page.locator(".plot path.area").first.get_attribute("d").split("L")) > 3
    see(page.locator(".plot .grid").first, "−5 min")
    page.get_by_role("radio", name="1 min", exact=True).check()
    see(page.locator(".plot .grid").first, "−45 s")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_fits_a_phone_in_both_schemes(gateway, open_page, emulator, scheme):
    page = open_page(f"{gateway.url}/dashboard", viewport=PHONE, color_scheme=scheme)
    expect(page.locator("#board")).to_be_visible(timeout=PATIENCE_MS)
    see(page.locator("#upstreams"), "lyrics_ovh")

    width, bright = page.evaluate(
        "[document.documentElement.scrollWidth,"
        " Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])]"
    )
    assert width <= PHONE["width"]
    assert (bright > 200) is (scheme == "light")


def test_percentiles_lie_inside_their_bucket_and_pauses_double(gateway, open_page, emulator):
    page = open_page(f"{gateway.url}/dashboard")
    seconds = page.evaluate(
        "import('/assets/dashboard/any/timeline.js').then(({ percentileOf }) =>"
        " [[[0, 0, 0], 0.5], [[10, 0, 0], 0.5], [[0, 10, 0], 1], [[5, 0, 5], 0.99]]"
        ".map(([counts, share]) => percentileOf(counts, [1, 2], share)))"
    )
    pauses = page.evaluate(
        "import('/assets/dashboard/any/feed.js').then(({ Feed }) => {"
        " const feed = new Feed({}); return [1, 2, 3, 4, 5].map(() => feed.longer()); })"
    )
    assert seconds == [None, 0.5, 2, 2]
    assert pauses == [2000, 4000, 8000, 15000, 15000]


def test_a_bug_of_the_page_is_no_silence_of_the_gateway_and_ends_one_look_only(
    gateway, open_page, emulator
):
    page = open_page(f"{gateway.url}/dashboard", complaints=("undefined",))
    page.route("**/dashboard/figures*", lambda route: route.fulfill(json={}), times=1)
    with page.expect_event("pageerror"):
        page.reload()
    see(page.locator("#state"), "Healthy")


def test_a_page_that_nobody_looks_at_asks_nothing(gateway, open_page, emulator):
    """Its last question is under way when it is turned away from."""
    page = open_page(f"{gateway.url}/dashboard")
    page.clock.install()
    asked = []

    def hold(route):
        asked.append(route)

    page.route("**/dashboard/figures*", hold)
    with page.expect_request("**/dashboard/figures*"):
        page.reload()
    page.evaluate(TURN_AWAY, True)
    asked[0].continue_()
    see(page.locator("#state"), "Healthy")

    page.clock.run_for(60_000)
    page.evaluate(TURN_AWAY, True)
    page.evaluate("fetch('/livez').then((answer) => answer.text())")
    assert len(asked) == 1

    with page.expect_request("**/dashboard/figures*"):
        page.evaluate(TURN_AWAY, False)


# ---- behind a token


def test_the_figures_ask_for_the_token_and_a_wrong_one_opens_nothing(guarded, open_page, emulator):
    for _ in range(3):
        ask(guarded.process, "/search?query=typed-by-somebody")
    page = open_page(guarded.board, complaints=(UNAUTHORIZED,))
    field = page.get_by_label("Operator's token")
    expect(field).to_be_focused(timeout=PATIENCE_MS)
    expect(page.locator("#board")).to_be_hidden()

    field.fill("a-token-that-is-none")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    # The second look begins when the first one has had its say, and not before.
    wait_until(lambda: page.evaluate(TURN_AWAY, False) or len(asked) >= 2)
    expect(field).to_have_value("a-token-that-is-none")
    page.get_by_role("button", name="Open").click()
    see(page.get_by_role("alert"), "This token is not the right one.")
    expect(field).to_have_value("")

    field.fill(TOKEN)
    page.keyboard.press("Enter")
    see(page.locator("#state"), "Healthy")
    see(page.locator("#keys"), "typed-by-somebody")
    expect(page.locator("#door")).to_be_hidden()
    page.reload()
    see(page.locator("#state"), "Healthy")
    page.get_by_role("button", name="Forget the token").click()
    expect(field).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#board")).to_be_hidden()


def test_a_redis_that_is_gone_and_back_is_seen(guarded, told_token, emulator):
    page = told_token()
    see(fact(page, "Redis", "state"), "up")

    guarded.redis.kill()
    see(page.locator("#reasons"), "Redis is given up")
    see(page.locator("#state"), "Degraded")
    see(fact(page, "Redis", "state"), "given up")
    see(fact(page, "Cache", "kept in"), "memory-fallback")

    guarded.redis.restart()
    see(page.locator("#state"), "Healthy")
    see(fact(page, "Cache", "kept in"), "shared")


def test_a_gateway_that_ends_is_seen_and_one_that_comes_back_goes_on(guarded, told_token, emulator):
    page = told_token(NO_CONNECTION, "Failed to load resource")
    before = page.locator("#who").inner_text()
    process = re.search(r"process \d+", before)[0]

    guarded.stop()
    see(page.locator("#state"), "No answer since")
    see(page.locator("#reasons"), "what is shown is the last it told")
    see(page.locator("#who"), process)

    guarded.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    see(page.locator("#state"), "Healthy")
    expect(page.locator("#who")).not_to_contain_text(process)
