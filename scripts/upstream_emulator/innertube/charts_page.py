"""The charts page of a country."""

from __future__ import annotations

from functools import lru_cache

from scripts.upstream_emulator.countries import COUNTRIES
from scripts.upstream_emulator.innertube import rows
from scripts.upstream_emulator.innertube.frames import single_column
from scripts.upstream_emulator.innertube.pieces import TRACKING, Json, opaque, runs
from scripts.upstream_emulator.model import CountryChart

_FORM = "EiVleHBsb3JlX2NoYXJ0c19jb3VudHJ5X21lbnU"


def charts_page(chart: CountryChart, with_genres: bool) -> Json:
    """The country menu, the video charts and the ranked artists."""
    cards = [rows.playlist_card(playlist, "Chart") for playlist in chart.videos]
    sections = [_country_menu(chart), rows.carousel("Video charts", cards)]
    if chart.genres and with_genres:
        cards = [rows.playlist_card(playlist, "Chart") for playlist in chart.genres]
        sections.append(rows.carousel("Genres", cards))
    ranked = [rows.ranked_artist_row(place) for place in chart.artists]
    sections.append(rows.carousel("Top artists", ranked, numItemsPerColumn="4"))
    header = {"musicHeaderRenderer": {"title": runs("Charts"), "trackingParams": TRACKING}}
    updates = {"entityBatchUpdate": {"mutations": _mutations(chart.code)}}
    return single_column(sections, header, frameworkUpdates=updates)


def _country_menu(chart: CountryChart) -> Json:
    menu = {
        "title": {"musicMenuTitleRenderer": {"primaryText": runs("Select a country")}},
        "options": _options(),
        "trackingParams": TRACKING,
        "formEntityKey": _FORM,
    }
    button = {
        "title": runs(chart.country),
        "icon": {"iconType": "CHEVRON_DOWN"},
        "menu": {"musicMultiSelectMenuRenderer": menu},
        "trackingParams": TRACKING,
    }
    side = {"startItems": [{"musicSortFilterButtonRenderer": button}], "trackingParams": TRACKING}
    shelf = {
        "trackingParams": TRACKING,
        "shelfDivider": {"musicShelfDividerRenderer": {"hidden": True}},
        "subheaders": [{"musicSideAlignedItemRenderer": side}],
    }
    return {"musicShelfRenderer": shelf}


@lru_cache(maxsize=1)
def _options() -> list[Json]:
    return [_option(code, country) for code, country in COUNTRIES.items()]


def _key(code: str) -> str:
    return f"EidleHBsb3JlX2NoYXJ0c19jb3VudHJ5X21lbnVf{opaque(code)}"


def _option(code: str, country: str) -> Json:
    checked = {"formItemEntityKey": _key(code), "newCheckedState": True}
    commands = [{"musicCheckboxFormItemMutatedCommand": checked}]
    option = {
        "title": runs(country),
        "formItemEntityKey": _key(code),
        "trackingParams": TRACKING,
        "selectedCommand": {"commandExecutorCommand": {"commands": commands}},
        "selectedIcon": {"iconType": "CHECK"},
    }
    return {"musicMultiSelectMenuItemRenderer": option}


def _mutations(selected: str) -> list[Json]:
    form = {"id": _FORM, "booleanChoiceEntityKeys": [_key(code) for code in COUNTRIES]}
    replace = "ENTITY_MUTATION_TYPE_REPLACE"
    made: list[Json] = [{"entityKey": _FORM, "type": replace, "payload": {"musicForm": form}}]
    for code in COUNTRIES:
        choice = {
            "id": _key(code),
            "parentFormEntityKey": _FORM,
            "selected": code == selected,
            "opaqueToken": code,
        }
        payload = {"musicFormBooleanChoice": choice}
        made.append({"entityKey": _key(code), "type": replace, "payload": payload})
    return made
