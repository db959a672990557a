"""Pages, for as long as they are looked at."""

import gc

import pytest
from bs4 import SoupStrainer
from bs4.element import PageElement

from services.parsers.markup import parsed

PAGE = "<p>never built</p>" + '<div class="row"><b>one</b> and <i>two</i></div>' * 3


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_no_tree_waits_for_the_collector(no_collector):
    before = elements()

    with parsed(PAGE, SoupStrainer(class_="row")) as tree:
        assert tree.get_text() == "one and two" * 3
        assert elements() > before
    del tree

    assert elements() == before


def elements():
    """How many parts of pages are alive."""
    return sum(isinstance(one, PageElement) for one in gc.get_objects())
