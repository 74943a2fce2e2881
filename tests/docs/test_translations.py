"""The Chinese pages say what the English ones say: block by block the same kind, code, names, numbers and links.

What is said between those nobody but a reader can compare; what falls behind usually misses one of them.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest

from twoapi.cli.reference import BEGIN, END

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE_BY_COMMANDS = {"compatibility.md", "performance.md", "providers.md", "rules.md"}  # as a whole; English only
TRANSLATED = [page for page in sorted(DOCS.glob("*.md")) if page.name not in MADE_BY_COMMANDS]
PAIRS = {ROOT / "README.md": ROOT / "README.zh.md", **{page: DOCS / "zh" / page.name for page in TRANSLATED}}
# The parts that commands make, which the Chinese page has a link for: what they begin and end with, and the heading.
GENERATED = {
    DOCS / "configuration.md": (BEGIN, END, "settings"),
    DOCS / "clients.md": ("## Results\n", "\0", "results"),
}
# One word for each thing, and those that are not used for it.
WORDS = {
    "凭证": "凭据",
    "中继": "透传|直通|转发",
    "上游": "渠道|后端",
    "候选": "备选",
    "后备": "回退|降级",
    "提供商": "供应商|服务商",
    "损失": "损耗|遗失",
    "密封": "封存|封印",
    "推理": "思考|思维|深度思考",
    "词元": "令牌数|标记数|(?i:tokens?)",
    "嵌入": "向量化|嵌入向量",
    "重排": "重排序",
    "请求体": "请求正文|报文",
    "运维者": "管理员|操作员",
    "部分": "内容块|片段",
}


class Block(NamedTuple):
    """A heading, paragraph, list item, row of a table or piece of code, with what has to be the same in both."""

    kind: str
    code: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()


def pieces(text: str) -> Iterator[str]:
    """The page, cut: code as a whole, rows of tables one by one, items of lists and paragraphs with all their lines."""
    for piece in re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL):
        if piece.startswith("```"):
            yield piece
        else:
            yield from (one.strip() for one in re.split(r"\n(?=\n|\||#|- |\d+\. )", piece) if one.strip())


def blocks(page: Path, text: str) -> list[Block]:
    """What the page consists of; a generated part as a link to it, and without the link to the other language."""
    first, last, heading = GENERATED.get(page, ("\0", "\0", ""))
    before, cut, rest = text.partition(first)
    if cut:
        kept = cut if cut.startswith("#") else ""
        text = f"{before}{kept}\n[made by a command]({page.name}#{heading})\n{rest.partition(last)[2]}"
    found = [block(page, piece) for piece in pieces(text)]
    assert found[1] == Block("paragraph", links=(english(other(page)),)), "the second block leads to the other language"
    return [found[0], *found[2:]]


def block(page: Path, piece: str) -> Block:
    if piece.startswith("```"):
        language = piece.partition("\n")[0]
        return Block(language, frozenset([piece if language in ("```json", "```text") else without_comments(piece)]))
    kind = "paragraph"
    if mark := re.match(r"#+ |- |\d+\. ", piece):
        kind = mark[0].strip()
    elif piece.startswith("|"):
        kind = f"row of {piece.count('|') - 1}"
    targets = re.findall(r"\]\(([^)\s]+)\)", piece)
    prose = re.sub(r"\]\([^)]+\)", "]", piece)
    code = frozenset(re.sub(r"\s+", " ", one) for one in re.findall(r"`([^`]+)`", prose))
    numbers = frozenset(re.findall(r"\d+(?:[. ]\d+)*", re.sub(r"`[^`]+`", "", prose)))
    return Block(kind, code, numbers, tuple(sorted(english(target(page, one)) for one in targets)))


def without_comments(code: str) -> str:
    return re.sub(r"(^|\s)# .*$", r"\1#", code, flags=re.MULTILINE)


def target(page: Path, link: str) -> str:
    """Where a link of the page leads, as a path from the root; the place in the page is left out."""
    if link.startswith(("http://", "https://")):
        return link
    name = link.partition("#")[0]
    return ((page.parent / name).resolve() if name else page).relative_to(ROOT).as_posix()


def english(place: str) -> str:
    return place.replace("docs/zh/", "docs/").replace(".zh.md", ".md")


def other(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def differences(page: Path, text: str, translation: Path, translated: str) -> list[str]:
    """Where the translation has something else than the page; numbers may be more: words of one language are figures
    of the other.
    """
    found: list[str] = []
    here, there = blocks(page, text), blocks(translation, translated)
    for number, (one, two) in enumerate(zip_longest(here, there, fillvalue=Block("nothing"))):
        if one.kind != two.kind:
            return [*found, f"block {number}, {one.kind}, became {two.kind}"]  # and all behind it is beside its own
        found += [f"block {number}, {one.kind}: {sorted(names)}" for names in [one.code ^ two.code] if names]
        found += [f"block {number}, {one.kind}: {sorted(few)}" for few in [one.numbers - two.numbers] if few]
        found += [f"block {number}, {one.kind}: {one.links} became {two.links}"] * (one.links != two.links)
    return found


def prose(text: str) -> str:
    """The words of a page: without code, targets of links, marks of emphasis."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\]\([^)]+\)", "]", text)
    return re.sub(r"[\[\]*]", "", re.sub(r"`[^`]+`", "`", text))


def other_words(text: str) -> list[str]:
    """Words of the page for what has another word."""
    return [f"{found}: {word}" for word, wrong in WORDS.items() for found in re.findall(wrong, prose(text))]


def ill_set(text: str) -> list[str]:
    """Where the page has narrow punctuation behind Chinese, or Chinese and Latin without a space between them."""
    chinese = "[\u4e00-\u9fff]"
    wrong = rf"{chinese} ?[,;:!?()]|{chinese}[`a-zA-Z0-9]|[`a-zA-Z0-9]{chinese}"
    return re.findall(rf".{{0,8}}(?:{wrong}).{{0,8}}", prose(text))


@pytest.mark.parametrize("page", PAIRS, ids=other)
def test_a_page_and_its_translation_have_the_same_in_each_block(page: Path) -> None:
    translation = PAIRS[page]
    assert translation.exists(), f"{other(translation)} is missing"
    assert differences(page, page.read_text("utf-8"), translation, translation.read_text("utf-8")) == []


def test_no_translation_is_of_nothing() -> None:
    assert {page.name for page in (DOCS / "zh").iterdir()} == {page.name for page in TRANSLATED}
    assert {page.name for page in DOCS.glob("*.md")} >= MADE_BY_COMMANDS


@pytest.mark.parametrize("page", PAIRS.values(), ids=other)
def test_links_of_a_translation_stay_in_its_language(page: Path) -> None:
    """But for the link to the English page at the top, and what is only there: parts that are made by commands."""
    away = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))[1:]:
        name, _, anchor = link.partition("#")
        whole = ROOT / target(page, link)
        if whole not in PAIRS:
            continue
        first, last, heading = GENERATED.get(whole, ("\0", "\0", ""))
        made = whole.read_text("utf-8").partition(first)[2].partition(last)[0]
        titles = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", made, re.MULTILINE)}
        if not name or anchor not in {heading, *titles} - {""}:
            away.append(link)
    assert away == []


@pytest.mark.parametrize("page", PAIRS.values(), ids=other)
def test_a_thing_has_one_word(page: Path) -> None:
    assert other_words(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAIRS.values(), ids=other)
def test_punctuation_is_chinese_and_latin_words_stand_apart(page: Path) -> None:
    assert ill_set(page.read_text("utf-8")) == []


@pytest.mark.parametrize("text", ["透传", "2 个 token", "**供应商**"])
def test_another_word_is_found(text: str) -> None:
    assert len(other_words(text)) == 1
    assert other_words(f"`{text}`") == []


@pytest.mark.parametrize(
    "text", ["网关,上游", "网关 (上游", "用`x`", "`x` 用 x的", "用 1个", "用**`x`**", "[网关](a)x"]
)
def test_what_is_ill_set_is_found(text: str) -> None:
    assert len(ill_set(text)) == 1


PAGE = """# A

[中文](zh/sdks.md)

First, see [errors](errors.md), `one`
and 64 KiB.

| a | b |
|---|---|
| `x` | y |

## B

- an item
- another item,
  of `two` lines

```yaml
key: value  # a word
```
"""
SAME = """# 甲

[English](../sdks.md)

64 KiB, `one`; [错误](errors.md).

| 甲 | 乙 |
|---|---|
| `x` | 丙 |

## 乙

- 一
- `two`

```yaml
key: value  # 词
```
"""


def seen(translated: str) -> list[str]:
    page = DOCS / "sdks.md"
    return differences(page, PAGE, PAIRS[page], translated)


def test_a_translation_is_no_difference() -> None:
    assert seen(SAME) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## 乙", "### 乙"),
        ("64 KiB", "32 KiB"),
        ("`one`", "one"),
        ("(errors.md)", "(clients.md)"),
        ("| `x` | 丙 |\n", ""),
        ("| `x` | 丙 |", "| `x` | 丙 | 丁 |"),
        ("- 一\n", ""),
        ("- `two`", "- `two`\n- `two`"),
        ("key: value", "key: other"),
        ("  # 词", ""),
        ("```yaml", "```json"),
        ("## 乙", "丁\n\n## 乙"),
    ],
)
def test_what_falls_behind_is_a_difference(old: str, new: str) -> None:
    assert SAME.count(old) == 1
    assert seen(SAME.replace(old, new)) != []


def test_the_translation_must_lead_back() -> None:
    with pytest.raises(AssertionError, match="the second block"):
        seen(SAME.replace("[English](../sdks.md)\n\n", ""))
