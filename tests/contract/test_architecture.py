"""The floors: a module imports only from floors strictly below its own, or from its own package."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Lowest first. The design's floors, with `resource` set below the modules that speak its words.
FLOORS = (
    ("language_codes",),
    (
        "allocation",
        "cutoff",
        "deadline",
        "decoding",
        "errors",
        "forms",
        "settings",
        "wire",
    ),
    (
        "envelope",
        "environment",
        "services.artwork.placeholder",
        "services.bearer",
        "services.encodings",
        "services.media_types",
        "services.per_thread",
        "services.pools",
        "services.progress",
        "services.popularity",
        "services.readiness",
        "services.spans",
        "services.watchdog",
        "transport",
    ),
    ("protection", "services.mishaps"),
    ("services.log_writer", "services.traffic", "stores", "upstream"),
    ("websites",),
    ("clients",),
    (
        "cache_layer",
        "services.access_log",
        "services.logs",
        "services.parsers",
        "services.spelling",
        "services.views",
        "sites",
    ),
    ("services.answers", "services.resource"),
    (
        "services.fan_out",
        "services.limits",
        "services.params",
        "services.question",
        "services.refresher",
        "services.responses",
        "services.romanizing",
        "services.single_flight",
        "services.translating",
        "services.upkeep",
    ),
    (
        "services.event_streams",
        "services.joining",
        "services.parts",
        "services.sealing",
        "services.sources",
        "services.view_params",
    ),
    (
        "services.artwork.cover",
        "services.artwork.pictures",
        "services.endpoints",
        "services.pilot",
    ),
    ("services.track.shapes",),
    ("services.read_through", "services.track.sections"),
    ("services.table", "services.track.glance", "services.track.question"),
    ("services.batches", "services.prewarm"),
    ("services.operations",),
    ("services.background",),
    ("services.track.tracks",),
    ("services.track.feed",),
    (
        "services.configuration",
        "services.cors",
        "services.health",
        "services.hit_path",
        "services.openapi",
        "services.routes",
    ),
    (
        "assembly",
        "services.admin",
        "services.artwork.routes",
        "services.figures",
        "services.request_frame",
        "services.track.routes",
    ),
    ("services.exposition", "services.pages", "services.server"),
    ("cli", "services.dashboard", "services.service_routes"),
    ("app", "worker"),
)
MOST_LINES = 400
PRODUCT = sorted(
    path
    for path in (
        *ROOT.glob("*.py"),
        *ROOT.glob("protection/*.py"),
        *ROOT.glob("services/**/*.py"),
        *ROOT.glob("stores/*.py"),
    )
    if path.name != "__init__.py" or path.parent.name == "endpoints"
)
ALL_SOURCES = sorted(
    {
        path
        for package in ("protection", "services", "stores", "scripts")
        for path in ROOT.glob(f"{package}/**/*.py")
    }
    | {*PRODUCT}
)


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module):
    """The floor of a module, and the entry (a module or a whole package) it belongs to."""
    for number, entries in enumerate(FLOORS):
        for entry in entries:
            if module == entry or module.startswith(entry + "."):
                return number, entry
    return None, None


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", PRODUCT, ids=module_of)
def test_imports_point_down(path):
    module = module_of(path)
    floor, entry = floor_of(module)
    assert floor is not None, f"{module} stands on no floor"

    for imported in imports_of(path):
        below, imported_entry = floor_of(imported)
        if below is not None and imported_entry != entry:
            assert below < floor, f"{module} imports {imported} from its own floor or above"
        assert not imported.startswith(("scripts", "tests")), f"{module} imports {imported}"


@pytest.mark.parametrize("path", PRODUCT, ids=module_of)
def test_endpoints_meet_only_through_parts(path):
    module = module_of(path)
    if not module.startswith("services.endpoints."):
        pytest.skip("not an endpoint")

    others = [name for name in imports_of(path) if name.startswith("services.endpoints")]

    assert others == []


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("services.parsers", ("requests", "time", "random", "flask", "ytmusicapi", "socket")),
        ("services.endpoints", ("flask", "redis", "requests", "services.read_through")),
        ("services.read_through", ("flask", "settings", "services.endpoints")),
        ("envelope", ("flask", "requests", "services", "stores", "transport")),
        ("cache_layer", ("flask", "redis", "requests", "services", "transport")),
        ("services.hit_path", ("flask", "json", "orjson")),
    ],
)
def test_what_a_module_must_never_know(module, forbidden):
    for path in PRODUCT:
        if module_of(path) == module or module_of(path).startswith(module + "."):
            for imported in imports_of(path):
                for name in forbidden:
                    assert imported != name, f"{path.name} imports {name}"
                    assert not imported.startswith(name + "."), f"{path.name} imports {imported}"


@pytest.mark.parametrize("path", ALL_SOURCES, ids=module_of)
def test_a_file_has_a_caption_and_one_idea(path):
    text = path.read_text()
    caption = ast.get_docstring(ast.parse(text))

    assert caption, "needs a caption"
    assert len(caption.splitlines()[0]) <= 100
    assert len(text.splitlines()) <= MOST_LINES


def test_only_one_module_reads_the_environment():
    readers = [
        module_of(path)
        for path in PRODUCT
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]

    assert readers == ["environment"]


def test_only_the_frame_reads_who_was_forwarded():
    readers = [
        module_of(path)
        for path in PRODUCT
        if "HTTP_X_FORWARDED" in path.read_text() or "HTTP_FORWARDED" in path.read_text()
    ]

    assert readers == ["services.request_frame"]
