"""Lyrics in another language, by a LibreTranslate server."""
