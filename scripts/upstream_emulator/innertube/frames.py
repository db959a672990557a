"""The outer frames of pages, and the error objects."""

from __future__ import annotations

from typing import Any

from scripts.upstream_emulator.innertube.pieces import TRACKING, Json, response_context

_STATUS_NAMES = {
    400: ("INVALID_ARGUMENT", "badRequest", "Request contains an invalid argument."),
    403: ("PERMISSION_DENIED", "forbidden", "The caller does not have permission"),
    404: ("NOT_FOUND", "notFound", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "rateLimitExceeded", "Resource has been exhausted."),
    500: ("INTERNAL", "backendError", "Internal error encountered."),
    503: ("UNAVAILABLE", "backendError", "The service is currently unavailable."),
}


class Refused(Exception):
    """A question InnerTube answers with an error object."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


def error_body(status: int) -> Json:
    """The error object of a status."""
    name, reason, message = _STATUS_NAMES.get(status, ("UNKNOWN", "backendError", "Unknown."))
    detail = {"message": message, "domain": "global", "reason": reason}
    return {"error": {"code": status, "message": message, "errors": [detail], "status": name}}


def single_column(sections: list[Json], header: Json | None = None, **parts: Any) -> Json:
    """A page with one column, such as an artist's."""
    section_list = {"contents": sections, "trackingParams": TRACKING}
    tab = {"content": {"sectionListRenderer": section_list}, "trackingParams": TRACKING}
    made: Json = {
        "responseContext": response_context(),
        "contents": {"singleColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": tab}]}},
        "trackingParams": TRACKING,
        **parts,
    }
    if header:
        made["header"] = header
    return made


def two_columns(header: Json | None, sections: list[Json]) -> Json:
    """A page with a header beside its list, such as an album's."""
    left = {"contents": [header]} if header else {}
    tab = {"content": {"sectionListRenderer": left}, "trackingParams": TRACKING}
    right = {"sectionListRenderer": {"contents": sections, "trackingParams": TRACKING}}
    return {
        "responseContext": response_context(),
        "contents": {
            "twoColumnBrowseResultsRenderer": {
                "secondaryContents": right,
                "tabs": [{"tabRenderer": tab}],
            }
        },
        "trackingParams": TRACKING,
    }


def microformat(title: str, path: str, description: str) -> Json:
    """What the page tells other sites about itself."""
    address = f"music.youtube.com/{path}"
    return {
        "microformatDataRenderer": {
            "urlCanonical": f"https://{address}",
            "title": title,
            "description": description,
            "siteName": "YouTube Music",
            "appName": "YouTube Music",
            "androidPackage": "com.google.android.apps.youtube.music",
            "urlApplinksWeb": f"https://{address}",
            "urlApplinksIos": f"vnd.youtube.music://{address}",
            "urlApplinksAndroid": f"vnd.youtube.music://{address}",
            "twitterCardType": "summary",
        }
    }
