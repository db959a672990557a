"""Settings: defaults, overrides, and every problem at once."""

import pytest

from environment import load_settings
from settings import CacheLimits, SettingsError

DEFAULTS = {"lyrics": CacheLimits(300, 900, 900), "song": CacheLimits(21_600, 86_400, 86_400)}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in ("PORT", "HOST", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_needs_to_be_set():
    settings, limits = load_settings(DEFAULTS)

    assert settings.port == 5000
    assert settings.cache_memory_max_bytes == 64 * 2**20
    assert limits == DEFAULTS


def test_the_environment_wins_over_the_env_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PORT=7000\nLOG_LEVEL=ERROR\nCACHE_TTL_SONG_SEC=5\n")
    monkeypatch.setenv("PORT", "8000")

    settings, limits = load_settings(DEFAULTS)

    assert (settings.port, settings.log_level) == (8000, "ERROR")
    assert limits["song"] == CacheLimits(5, 20, 86_400)


def test_a_limit_that_is_not_set_moves_out_of_the_way_of_one_that_is(monkeypatch):
    monkeypatch.setenv("CACHE_STALE_LYRICS_SEC", "100")
    monkeypatch.setenv("CACHE_TTL_SONG_SEC", "100000")

    _, limits = load_settings(DEFAULTS)

    assert limits["lyrics"] == CacheLimits(100, 100, 100)
    assert limits["song"] == CacheLimits(100_000, 100_000, 100_000)


def test_every_problem_is_named_at_once_with_what_is_allowed(monkeypatch):
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("CACHE_JITTER_PCT", "2")
    monkeypatch.setenv("CACHE_BACKEND", "valhalla")
    monkeypatch.setenv("CACHE_TTL_LYRICS_SEC", "-1")
    monkeypatch.setenv("CACHE_TTL_NONESUCH_SEC", "5")
    monkeypatch.setenv("CACHE_TTL_SONG_SEC", "10")
    monkeypatch.setenv("CACHE_REVALIDATE_SONG_SEC", "5")

    with pytest.raises(SettingsError) as refused:
        load_settings(DEFAULTS)

    problems = "\n".join(refused.value.problems)
    assert len(refused.value.problems) == 6
    assert "PORT='abc': Input should be a valid integer" in problems
    assert "CACHE_JITTER_PCT='2': Input should be less than or equal to 1" in problems
    assert "CACHE_BACKEND='valhalla': Input should be 'simple' or 'redis'" in problems
    assert "CACHE_TTL_LYRICS_SEC='-1': must be a number of seconds above 0" in problems
    assert "CACHE_TTL_NONESUCH_SEC='5': no such resource; known are LYRICS, SONG" in problems
    assert "CACHE_TTL_SONG_SEC=10, CACHE_REVALIDATE_SONG_SEC=5" in problems


def test_an_alias_sets_a_resources_limits_unless_its_own_name_does(monkeypatch):
    monkeypatch.setenv("CACHE_TTL_SONGS_SEC", "50")
    monkeypatch.setenv("CACHE_STALE_SONGS_SEC", "90")
    monkeypatch.setenv("CACHE_STALE_SONG_SEC", "70")

    _, limits = load_settings(DEFAULTS, {"songs": "song"})

    assert limits["song"] == CacheLimits(50, 70, 70)


def test_the_lyrics_backoff_settings_are_not_taken_for_a_resources_limits(monkeypatch):
    monkeypatch.setenv("CACHE_TTL_LYRICS_NEGATIVE_BASE_SEC", "45")

    settings, _ = load_settings(DEFAULTS)

    assert settings.cache_ttl_lyrics_negative_base_sec == 45


def test_a_setting_that_may_hold_a_password_is_not_repeated(monkeypatch):
    from environment import _problem

    problem = _problem(
        {"loc": ("ratelimit_storage_uri",), "input": "redis://:hunter2@x", "msg": "is wrong"}
    )

    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "token", ["fifteen-chars-x", "a token with spaces", "t\u00f6ken-of-an-operator"]
)
def test_an_admin_token_that_does_not_serve_is_refused_without_repeating_it(monkeypatch, token):
    monkeypatch.setenv("ADMIN_TOKEN", token)

    with pytest.raises(SettingsError) as refused:
        load_settings(DEFAULTS)

    assert refused.value.problems == [
        "ADMIN_TOKEN=(hidden): must be empty or at least 16 characters, without spaces and accents"
    ]


@pytest.mark.parametrize("token", ["", "sixteen-chars-xx"])
def test_an_admin_token_is_empty_or_long_enough(monkeypatch, token):
    monkeypatch.setenv("ADMIN_TOKEN", token)

    assert load_settings(DEFAULTS)[0].admin_token == token


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY_HASHES", "gw_the-key-itself"),
        ("API_KEY_HASHES", f"{'a' * 64},{'A' * 64}"),
        ("RATELIMIT_STORAGE_URI", "memcached://:secret@host"),
        ("RATELIMIT_STORAGE_URI", ""),
    ],
)
def test_a_problem_with_a_secret_does_not_repeat_it(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        load_settings(DEFAULTS)

    (problem,) = refused.value.problems
    assert problem.startswith(f"{name}=(hidden): ")
    assert not value or value not in problem


def test_keys_are_listed_with_commas(monkeypatch):
    monkeypatch.setenv("API_KEY_HASHES", f"{'a' * 64}, {'0' * 64}")

    assert load_settings(DEFAULTS)[0].api_key_hashes == ("a" * 64, "0" * 64)


# ---- translation


def test_nothing_is_translated_unless_a_server_is_named():
    settings, _ = load_settings(DEFAULTS)

    assert (settings.translate_url, settings.translate_api_key) == ("", "")
    assert (settings.translate_language, settings.translate_timeout_sec) == ("en", 12)


@pytest.mark.parametrize(
    "url", ["http://localhost:5500", "https://translate.example/lt/", "http://[::1]:5500"]
)
def test_a_translation_server_has_a_base_url(monkeypatch, url):
    monkeypatch.setenv("TRANSLATE_URL", url)

    assert load_settings(DEFAULTS)[0].translate_url == url


def test_a_language_is_kept_in_its_one_spelling(monkeypatch):
    monkeypatch.setenv("TRANSLATE_LANGUAGE", "pt_br")

    assert load_settings(DEFAULTS)[0].translate_language == "pt-BR"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("TRANSLATE_URL", "localhost:5500", "TRANSLATE_URL=(hidden): "),
        ("TRANSLATE_URL", "ftp://translate.example", "TRANSLATE_URL=(hidden): "),
        ("TRANSLATE_URL", "http://somebody:hunter2@lt", "TRANSLATE_URL=(hidden): "),
        ("TRANSLATE_URL", "http://lt/?api_key=hunter2", "TRANSLATE_URL=(hidden): "),
        ("TRANSLATE_API_KEY", "hunter2 and more", "TRANSLATE_API_KEY=(hidden): "),
        ("TRANSLATE_API_KEY", "hunter2" * 40, "TRANSLATE_API_KEY=(hidden): "),
        (
            "TRANSLATE_LANGUAGE",
            "english",
            "TRANSLATE_LANGUAGE='english': must be a language code such as en, de, pt-BR or",
        ),
        ("TRANSLATE_TIMEOUT_SEC", "0", "TRANSLATE_TIMEOUT_SEC='0': "),
    ],
)
def test_a_bad_translation_setting_is_refused_and_no_secret_repeated(
    monkeypatch, name, value, problem
):
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        load_settings(DEFAULTS)

    (told,) = refused.value.problems
    assert told.startswith(problem)
    assert "hunter2" not in told
