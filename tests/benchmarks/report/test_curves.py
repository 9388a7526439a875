from benchmarks.report.curves import Curve, render_curves


def test_each_method_has_a_line_and_ours_stands_out() -> None:
    page = render_curves("Lists", "a <log>", {"hit@10": [Curve("ours", [0.1, 0.2], 0.15, True), Curve("x", [0, 0], 0)]})
    assert page.count("<polyline") == 2
    assert page.count('class="ours"') == 1
    assert "0.1500" in page
    assert "a &lt;log&gt;" in page


def test_a_page_without_lists_is_still_a_page() -> None:
    assert "<polyline" in render_curves("Lists", "", {"hit@10": [Curve("ours", [], 0.0)]})
