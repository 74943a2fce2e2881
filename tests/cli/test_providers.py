"""`twoapi providers`."""

import json

from twoapi.providers.catalog import load_catalog


def test_all_of_them(run):
    rows = json.loads(run("providers", "--json").stdout)
    assert {row["name"] for row in rows} == set(load_catalog())
    assert len(rows) >= 80
    plain = run("providers").stdout
    assert all(row["name"] in plain for row in rows)


def test_one(run):
    told = run("providers", "bedrock").stdout
    assert "bedrock-converse at https://bedrock-runtime.{region}.amazonaws.com" in told
    assert "AWS_ACCESS_KEY_ID+AWS_SECRET_ACCESS_KEY" in told
    assert "never tried against the live service" in told
    (row,) = json.loads(run("providers", "bedrock", "--json").stdout)
    assert (row["options"], row["schemes"][0]) == (["region"], "sigv4")


def test_one_that_is_not_there(run):
    result = run("providers", "antropic")
    assert (result.exit_code, result.stderr) == (
        1,
        "twoapi: no provider 'antropic' in the catalogue; did you mean 'anthropic'?\n",
    )


def test_one_of_the_operators_own(run, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "mine.yaml").write_text("name: mine\ntitle: Mine\nprotocols: {openai-chat: http://mine/v1}\n")
    (tmp_path / "twoapi.yaml").write_text("catalog: own\n")
    assert "openai-chat at http://mine/v1" in run("providers", "mine").stdout


def test_the_schema_says_how_a_file_is_written(run):
    schema = json.loads(run("providers", "--schema").stdout)
    provider = schema["$defs"]["Provider"]
    assert {"name", "title", "protocols", "env", "capabilities"} <= set(provider["properties"])
    assert provider["additionalProperties"] is False
