"""Where `twoapi serve` keeps state, and what it says when it cannot."""

from pathlib import Path

from twoapi.cli.output import EXIT_CONFIG
from twoapi.testing.canned import PATHS, request_body

LISTEN = ("--listen", "127.0.0.1:0")


def test_without_a_configuration_state_lies_in_a_file_that_others_cannot_read(serve, tmp_path: Path):
    served = serve(*LISTEN).ready()
    asked = {"model": "demo", "input": "hi"}
    status, first = served.ask("POST", "/v1/responses", asked)
    assert status == 200
    status, second = served.ask("POST", "/v1/responses", {**asked, "previous_response_id": first["id"]})
    assert status == 200
    assert second["previous_response_id"] == first["id"]
    assert (tmp_path / "twoapi.db").stat().st_mode & 0o777 == 0o600


def test_a_store_that_cannot_be_written_is_refused_when_it_was_asked_for(serve, tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "twoapi.yaml").write_text(f"store: sqlite:///{tmp_path}/file/t.db\n")
    served = serve(*LISTEN)
    assert served.ended() == EXIT_CONFIG
    assert "cannot be written" in "\n".join(served.lines)


def test_where_the_usual_store_cannot_be_state_lives_in_memory(serve, tmp_path: Path):
    (tmp_path / "twoapi.db").mkdir()
    served = serve(*LISTEN).ready()
    said = "\n".join(served.lines)
    assert "will end with this process" in said
    assert "store: sqlite:////PLACE/twoapi.db" in said
    status, _ = served.ask("POST", PATHS["openai-chat"], request_body("openai-chat", "demo"))
    assert status == 200
    assert list((tmp_path / "twoapi.db").iterdir()) == []
