"""docs/performance.md shows the recorded run and nothing that somebody typed."""

from bench.goals import judge
from bench.recording import recorded
from bench.report import DOCUMENT, document_part, with_figures
from bench.scenarios import SCENARIOS


def test_the_figures_in_the_document_are_the_recorded_ones() -> None:
    recording = recorded()
    assert recording is not None
    part = document_part(recording, judge(recording.figures, [], {"start", *SCENARIOS}))
    text = DOCUMENT.read_text("utf-8")
    assert with_figures(text, part) == text, "run ./dev bench --report"
