"""Pages for people, each a folder of plain files: markup, style, modules."""
