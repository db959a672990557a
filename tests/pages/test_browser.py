"""The browser sees what the gateway serves."""


def test_a_browser_gets_the_console(start_gateway, open_page):
    gateway = start_gateway()
    page = open_page(gateway.url)
    assert page.inner_text("h1") == "YouTube Music gateway"
