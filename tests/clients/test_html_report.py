#!/usr/bin/env python3
"""The HTML report of a benchmark in a real browser: charts are drawn, nothing of a result runs."""

import html.parser
import json
import os
import shutil
import sys
import unittest

import kit
import report_fixtures as fixtures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SKIPPED = 77
PATIENCE = 3 * kit.PATIENCE


class Page(html.parser.HTMLParser):
    """What a browser made of the page: its state, its charts and its text by section."""

    def __init__(self, dom):
        super().__init__()
        self.root, self.charts, self.tables, self.text = {}, {}, 0, {}
        self._chart = self._section = self._silent = None
        self.feed(dom)

    def handle_starttag(self, tag, attributes):
        own = dict(attributes)
        if tag == "html":
            self.root = own
        elif tag == "section":
            self._section = own["id"]
        elif tag == "figure":
            self._chart = own["id"]
            self.charts[self._chart] = {"series": int(own["data-series"]), "canvases": 0}
        elif tag == "canvas":
            self.charts[self._chart]["canvases"] += 1
        elif tag == "table":
            self.tables += 1
        self._silent = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._silent = None
        if tag == "header":
            self._section = None

    def handle_data(self, data):
        if not self._silent:
            text = data.replace("\u00a0", " ")
            self.text[self._section] = self.text.get(self._section, "") + text


class HtmlReport(kit.Case):
    def report(self, *results, script=""):
        """The page of these results, as chromium has it once its scripts, and this one, have run."""
        files = [self.write(f"{number}.json", json.dumps(result))
                 for number, result in enumerate(results)]
        made = kit.run(os.environ["HTML_REPORT_SAMPLE"], *files)
        self.assertEqual((made.returncode, made.stderr), (0, b""))
        page = self.write("report.html", made.stdout.decode() + f"<script>{script}</script>")
        seen = kit.run(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                       "--disable-background-networking", "--virtual-time-budget=3000",
                       "--user-data-dir=" + self.path("profile"), "file://" + page,
                       timeout=PATIENCE)
        self.assertEqual(seen.returncode, 0, seen.stderr)
        return Page(seen.stdout.decode())

    def assert_drawn(self, page, **series):
        """These charts and no others, of so many lines, each with its canvas."""
        self.assertEqual(page.root.get("data-state"), "drawn")
        self.assertEqual({name.replace("-", "_"): chart["series"]
                          for name, chart in page.charts.items()}, series)
        for name, chart in page.charts.items():
            self.assertEqual(chart["canvases"], min(1, chart["series"]), name)

    def test_one_result_has_its_charts(self):
        page = self.report(fixtures.result())
        self.assert_drawn(page, throughput=1, latency_over_time=4, percentile_curve=1, cpu=2,
                          memory=1)
        self.assertIn("echo on tcp://127.0.0.1:7000", page.text[None])
        self.assertIn("Valid.", page.text["verdicts"])
        self.assertIn("84,000/s", page.text["figures"])
        self.assertIn("weir bench echo tcp://127.0.0.1:7000 --duration 30s --threshold 'p99<5ms'",
                      page.text["setting"])

    def test_two_results_lie_over_each_other(self):
        page = self.report(fixtures.result(), fixtures.result(seconds=20, scale=1.25))
        self.assert_drawn(page, throughput=2, latency_over_time=8, percentile_curve=2, cpu=4,
                          memory=2)
        self.assertIn("B is 0.80 \u00d7 A", page.text["figures"])

    def test_bytes_and_messages_are_not_drawn_on_one_scale(self):
        page = self.report(fixtures.result(scenario="send"), fixtures.result())
        self.assert_drawn(page, throughput=1, throughput_bytes=1, latency_over_time=8,
                          percentile_curve=2, cpu=4, memory=2)

    def test_a_result_that_is_not_valid_says_why(self):
        page = self.report(fixtures.refused())
        self.assert_drawn(page, throughput=1, latency_over_time=4, percentile_curve=1, cpu=2,
                          memory=1)
        self.assertIn("Not valid. The generator's CPU was 99 % busy", page.text["verdicts"])
        self.assertIn("0.672 ms", page.text["verdicts"])
        self.assertIn("fail", page.text["verdicts"])

    def test_an_open_loop_explains_its_gap(self):
        page = self.report(fixtures.open_loop())
        self.assertEqual(page.root.get("data-state"), "drawn")
        self.assertIn("coordinated omission", page.text["latency"])
        self.assertIn("at p99, 48 ms instead of 480 \u00b5s", page.text["latency"])

    def test_a_search_shows_its_trials(self):
        page = self.report(fixtures.searched())
        self.assertEqual(page.root.get("data-state"), "drawn")
        self.assertIn("60,000/s, confirmed by 3 further runs.", page.text["verdicts"])
        self.assertIn("the generator was the limit", page.text["verdicts"])

    def test_a_result_without_figures_is_a_page_all_the_same(self):
        page = self.report(fixtures.empty())
        self.assert_drawn(page, throughput=0, latency_over_time=0, percentile_curve=0)
        self.assertIn("There are no figures to draw.", page.text["charts"])

    def test_one_second_is_drawn(self):
        page = self.report(fixtures.result(seconds=1))
        self.assert_drawn(page, throughput=1, latency_over_time=4, percentile_curve=1, cpu=2,
                          memory=1)

    def test_an_hour_is_drawn(self):
        page = self.report(fixtures.result(seconds=4000))
        self.assert_drawn(page, throughput=1, latency_over_time=4, percentile_curve=1, cpu=2,
                          memory=1)

    def test_seconds_with_errors_have_a_chart(self):
        result = fixtures.result()
        result["timeline"][10]["errors"] = 3
        self.assertEqual(self.report(result).charts.get("errors-over-time"),
                         {"series": 1, "canvases": 1})

    def test_the_cursor_over_a_chart_shows_its_values(self):
        page = self.report(fixtures.result(), script="""
            setTimeout(() => {
              const over = document.querySelector("#throughput .u-over");
              const { left, top, width } = over.getBoundingClientRect();
              over.dispatchEvent(new MouseEvent("mousemove",
                { bubbles: true, clientX: left + width / 2, clientY: top + 9 }));
            }, 500);""")
        self.assertEqual(page.root.get("data-state"), "drawn")
        self.assertRegex(page.text["charts"], r"rate[78]\d,\d{3}at 1[56] s")
        self.assertRegex(page.text["charts"], r"p50\d{3} \u00b5sp90\d{3} \u00b5sp99")

    def test_a_line_can_be_hidden(self):
        page = self.report(fixtures.result(), script="""
            document.querySelector("#cpu button").click();
            const own = document.documentElement.dataset;
            own.pressed = document.querySelector("#cpu button").ariaPressed;
            own.shown = plots[3].plot.series.map((each) => each.show);""")
        self.assertEqual(page.root, {"lang": "en", "data-state": "drawn", "data-pressed": "false",
                                     "data-shown": "true,false,true"})

    def test_on_paper_the_page_is_light_and_charts_fit(self):
        page = self.report(fixtures.result(), script="""
            dispatchEvent(new Event("beforeprint"));
            setTimeout(() => {
              document.documentElement.dataset.printed =
                [...document.querySelectorAll(".uplot")].map((each) => each.offsetWidth);
            });""")
        self.assertEqual(page.root, {"lang": "en", "data-state": "drawn", "data-paper": "",
                                     "data-printed": "680,680,680,680,680"})

    def test_a_hostile_result_is_only_text(self):
        for results in ([fixtures.hostile()], [fixtures.result(), fixtures.hostile()], [{}, {}]):
            page = self.report(*results)
            self.assertEqual(page.root, {"lang": "en", "data-state": "drawn"})


if __name__ == "__main__":
    if not os.environ.get("HTML_REPORT_SAMPLE"):
        sys.exit("set HTML_REPORT_SAMPLE to the program of that name, as in build/dev/bin")
    if CHROMIUM is None:
        print("skipped: chromium is not installed; ./dev deps installs it")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
