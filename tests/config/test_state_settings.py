"""Where state is kept and what seals it, as the configuration says it."""

import pytest

from twoapi.config import ConfigError, parse, unenforced


def test_a_secret_is_masked_and_taken_from_its_reference() -> None:
    settings = parse("secret: ${S}", "t.yaml", {"S": "0123456789abcdef"})
    assert settings.secret is not None
    assert settings.secret.reveal() == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(settings)
    assert parse("{}", "t.yaml", {}).secret is None


def test_a_short_secret_is_refused_with_a_mend() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("secret: ${S}", "t.yaml", {"S": "0123456789abcde"})
    (problem,) = caught.value.problems
    assert "openssl rand" in str(problem)
    assert "0123456789abcde" not in str(problem)


def test_only_sqlite_is_a_store_yet() -> None:
    assert unenforced(parse("{}", "t.yaml", {})) == []
    (note,) = unenforced(parse("store: postgresql://h/db", "t.yaml", {}))
    assert note.startswith("store: ")
