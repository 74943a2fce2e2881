"""Figures, goals and tables are made of samples as the page on performance says."""

from bench.goals import Goal, Verdict
from bench.recording import rounded
from bench.report import BEGIN, END, as_markdown, drift_text, number, with_figures
from bench.results import Figure, Sample, Spread, figures_of
from bench.windows import Windows


def test_a_ratio_is_the_median_of_the_ratios_within_each_round() -> None:
    samples = [
        Sample("json", cell, turn, {"cpu_us": value})
        for cell, values in (("nginx", (10.0, 20.0, 10.0)), ("twoapi relay", (20.0, 30.0, 30.0)))
        for turn, value in enumerate(values)
    ]
    assert figures_of(samples) == [
        Figure("json", "nginx", "cpu_us", Spread(10, 10, 20), Spread(1, 1, 1)),
        Figure("json", "twoapi relay", "cpu_us", Spread(30, 20, 30), Spread(2, 1.5, 3)),
    ]


def test_added_latency_is_what_exceeds_the_upstream_in_the_same_round() -> None:
    samples = [
        Sample("rate", "direct", 0, {"p50_us": 100.0}),
        Sample("rate", "direct", 1, {"p50_us": 300.0}),
        Sample("rate", "twoapi", 0, {"p50_us": 250.0}),
        Sample("rate", "twoapi", 1, {"p50_us": 400.0}),
    ]
    (added,) = [figure for figure in figures_of(samples) if figure.metric == "added_p50_us"]
    assert added == Figure("rate", "twoapi", "added_p50_us", Spread(125, 100, 150))


def test_a_goal_is_kept_up_to_its_limit_and_never_unmeasured() -> None:
    goal = Goal("JSON, relayed", "json", "twoapi relay", "cpu_us", 2.2)
    figure = Figure("json", "twoapi relay", "cpu_us", Spread(22, 22, 22), Spread(2.2, 2, 3))
    assert Verdict(goal, goal.measured([figure])).kept
    assert not Verdict(goal, 2.21).kept
    assert goal.measured([]) is None
    assert not Verdict(goal, None).kept


def test_a_limit_is_for_the_cost_of_a_gateway_that_nothing_disturbs() -> None:
    goal = Goal("JSON, relayed", "json", "twoapi relay", "cpu_us", 2.2)
    figures = [
        Figure("json", "nginx", "undisturbed_us", Spread(15, 10, 20), Spread(1, 1, 1)),
        Figure("json", "twoapi relay", "undisturbed_us", Spread(40, 21, 80), Spread(3, 2, 8)),
        Figure("json", "twoapi relay", "cpu_us", Spread(50, 30, 90), Spread(4, 3, 9)),
    ]
    assert [goal.measured(figures), goal.median(figures)] == [2.1, 4]
    assert goal.measured(figures[2:]) == 4


def test_a_goal_in_its_own_unit_takes_the_value() -> None:
    goal = Goal("PSS", "start", "twoapi", "pss_mb", 45, as_ratio=False)
    assert goal.measured([Figure("start", "twoapi", "pss_mb", Spread(40, 40, 40), Spread(5, 5, 5))]) == 40


def test_the_least_disturbed_tenth_of_the_windows_stands_for_all() -> None:
    windows = Windows()
    assert windows.figures == {}  # a cost of 0 would keep every goal
    for microseconds in range(100, 0, -1):
        windows.add(microseconds * 1e-6 * 1000, 1000)
    windows.add(0.0, 49)  # too few to say anything
    assert round(windows.figures["undisturbed_us"], 6) == 11


def test_drift_over_15_percent_is_marked() -> None:
    goal = Goal("JSON, relayed", "json", "twoapi relay", "cpu_us", 2.2)
    shown = [drift_text(Verdict(goal, measured, 2.0).drift) for measured in (2.28, 2.32, 1.6)]
    assert shown == ["+14 %", "+16 % DRIFT", "-20 % DRIFT"]
    assert drift_text(Verdict(goal, 2.0).drift) == ""


def test_recorded_figures_have_four_digits() -> None:
    figure = Figure("json", "nginx", "cpu_us", Spread(12.34567, 1234.567, 0.001234567), Spread(1, 1, 1))
    assert rounded(figure) == Figure("json", "nginx", "cpu_us", Spread(12.35, 1235, 0.001235), Spread(1, 1, 1))


def test_tables_and_numbers_read_well() -> None:
    assert [number(value) for value in (1234567.0, 99.94, 9.999, -38.3)] == ["1 234 567", "99.9", "10.00", "-38.3"]
    assert as_markdown([["", "a"], ["nginx", "1"]]) == "|  | a |\n|---|---:|\n| nginx | 1 |"


def test_figures_replace_the_figures_before() -> None:
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_figures(document, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
