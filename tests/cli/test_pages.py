"""The pages that jsc-train writes, looked at in headless Chromium: no network, no console errors, marks in every plot, text that
can be read in both color schemes, no sideways scrolling on a phone, downloads that hold the tables' numbers. Each check is also
shown to see a page that was broken on purpose. Needs chromium, chromium-driver and python3-selenium; skipped without them."""
import csv
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest
import urllib.parse

DEBIAN_PYTHON = "/usr/bin/python3"  # the one that Debian's selenium belongs to
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    if os.path.exists(DEBIAN_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN_PYTHON):
        os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])
    print("skipped: python3-selenium is not installed")
    sys.exit(77)

from cli import main, run

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SMALL = ["--data", "emulated:6000:1", "--batch-size", "128", "--quiet"]
QUANTIZE = pathlib.Path(__file__).parents[2] / "docs/labs/quantize_8bit.toml"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip

# Of each plot: its caption and, for each of its series, how many points of it lie inside of the axes, and how far they reach.
MARKS = """
return [...document.querySelectorAll('figure')].map(figure => {
  const svg = figure.querySelector('svg'), out = {caption: figure.querySelector('figcaption').textContent, series: []};
  if (!svg) return out;
  let area = null;
  for (const path of svg.querySelectorAll('path')) {
    if (path.getAttribute('stroke') !== 'var(--plot-axis)') continue;
    const box = path.getBBox();
    if (!area || box.width * box.height > area.width * area.height) area = box;
  }
  for (const group of svg.querySelectorAll('g.marks')) {
    const inside = [];
    const add = (x, y) => {
      if (x >= area.x - 1 && x <= area.x + area.width + 1 && y >= area.y - 1 && y <= area.y + area.height + 1) inside.push([x, y]);
    };
    for (const shape of group.querySelectorAll('path, polygon')) {
      if (shape.getBoundingClientRect().width + shape.getBoundingClientRect().height === 0) continue;
      const numbers = (shape.getAttribute('d') || shape.getAttribute('points')).match(/-?[\\d.]+/g).map(Number);
      for (let i = 0; i + 1 < numbers.length; i += 2) add(numbers[i], numbers[i + 1]);
    }
    for (const marker of group.querySelectorAll('use')) {
      const at = marker.getAttribute('transform').match(/translate\\(([-\\d.]+),([-\\d.]+)\\)/);
      if (marker.getBoundingClientRect().width > 0) add(Number(at[1]), Number(at[2]));
    }
    out.series.push(inside.length);
  }
  return out;
});
"""

# Every piece of text and every stroke of a series: its color against what lies behind it, by WCAG's formula.
CONTRAST = """
const parse = color => { const n = (color.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number); return n.length < 4 ? [...n, 1] : n; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
const luminance = rgb => rgb.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const behind = element => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
};
const low = [];
const check = (element, color, wanted, what) => {
  const background = behind(element), found = ratio(over(parse(color), background), background);
  if (found < wanted) low.push(what + ': ' + color + ' on ' + background.map(Math.round) + ' is ' + found.toFixed(2));
};
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || ['title', 'desc', 'STYLE'].includes(element.tagName)) continue;
  const style = getComputedStyle(element);
  check(element, element.tagName === 'text' ? style.fill : style.color, 4.5, element.textContent.slice(0, 30));
}
for (const path of document.querySelectorAll('g.marks path')) check(path, getComputedStyle(path).stroke, 3, 'a series');
return [...new Set(low)];
"""

# What reaches beyond the window and does not lie in a part that scrolls by itself.
WIDE = """
return [document.documentElement.scrollWidth, [...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.scroll') && !e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.tagName + ' ' + e.className)];
"""

# Paper does not scroll.
CUT_OFF = """
return [...document.querySelectorAll('table')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.textContent.slice(0, 40) + ': ' + e.getBoundingClientRect().right);
"""

# Each download beside the cells of the table that it is of.
DOWNLOADS = """
return [...document.querySelectorAll('a[download]')].map(a => ({
  file: a.download, href: a.href,
  cells: [...a.closest('figure, .block').querySelectorAll('tr')].map(r => [...r.children].map(c => c.textContent))}));
"""


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="jsc-chromium-")
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [*FLAGS, f"--user-data-dir={self.profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(DRIVER), options=options)

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def open(self, path, scheme="light", width=1200, media="screen"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(path.resolve().as_uri())

    def ask(self, script):
        return self.driver.execute_script(script)

    def messages(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses asked for since the last call, pages and data that lie in them left out."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent" and message["params"]["type"] != "Document":
                found.append(message["params"]["request"]["url"])
        return [url for url in found if not url.startswith(("data:", "chrome:"))]  # chrome: the browser's own first tab


def problems(browser, path):
    """Everything that is wrong with a page, as lines."""
    found = []
    for scheme in ("light", "dark"):
        browser.open(path, scheme)
        found += [f"{scheme}: {line}" for line in browser.ask(CONTRAST)]
    for plot in browser.ask(MARKS):
        if not plot["series"]:
            found.append(f"no plot: {plot['caption']}")
        found += [f"a series without marks: {plot['caption']}" for inside in plot["series"] if inside == 0]
    for download in browser.ask(DOWNLOADS):
        text = urllib.parse.unquote(download["href"].split(",", 1)[1])
        if list(csv.reader(io.StringIO(text))) != download["cells"]:
            found.append(f"{download['file']} is not its table")
    browser.open(path, width=400)
    width, wide = browser.ask(WIDE)
    found += [f"wide: {width} px"] if width > 400 else []
    found += [f"wide: {element}" for element in wide]
    browser.open(path, "dark", width=718, media="print")  # A4 with margins of 1 cm
    found += [f"cut off in print: {element}" for element in browser.ask(CUT_OFF)]
    paper = browser.ask("return getComputedStyle(document.body).backgroundColor")
    found += [] if paper == "rgb(255, 255, 255)" else [f"printed on {paper}"]
    found += [f"console: {message}" for message in browser.messages()]
    found += [f"request: {url}" for url in browser.requests()]
    return found


@unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="jsc-pages-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        run("train", "jsc-toy", *SMALL, "--max-epochs", "3", "--out", cls.dir / "float")
        run("train", "--load", cls.dir / "float", "--config", QUANTIZE, *SMALL, "--max-epochs", "2", "--out", cls.dir / "run")
        run("verify", "--load", cls.dir / "run", *SMALL[:2], "--quiet")
        cls.page = cls.dir / "run" / "report.html"

    def broken(self, old, new):
        """The quantized run's page with a fault planted."""
        text = self.page.read_text()
        self.assertIn(old, text)
        path = self.dir / "broken.html"
        path.write_text(text.replace(old, new, 1))
        return problems(self.browser, path)

    def sees(self, found, words):
        self.assertTrue(any(words in line for line in found), f"nothing of '{words}' in {found}")

    def test_the_page_of_a_training(self):
        self.assertEqual(problems(self.browser, self.dir / "float" / "report.html"), [])

    def test_the_page_of_a_quantized_and_verified_run(self):
        self.assertEqual(problems(self.browser, self.page), [])
        headings = self.browser.ask("return [...document.querySelectorAll('h2')].map(h => h.textContent)")
        self.assertEqual(headings, ["Training", "Classes", "Verification", "Ranges", "Features", "Configuration"])
        captions = [plot["caption"] for plot in self.browser.ask(MARKS)]
        for wanted in ("Loss", "Accuracy", "ROC by class", "Magnitudes of weights and activations", "multiplicity"):
            self.assertIn(wanted, captions)

    def captions(self):
        return [plot["caption"] for plot in self.browser.ask(MARKS)]

    def test_the_page_of_a_sweep_and_of_its_trials(self):
        out = self.dir / "sweep"
        run("sweep", "--model", "jsc-toy", *SMALL[:2], "--batch-size", "128,256", "--max-epochs", "1,2", "--quiet", "--out", out)
        self.assertEqual(problems(self.browser, out / "report.html"), [])
        self.assertIn("Validation loss against batch size", self.captions())
        links = self.browser.ask("return [...document.querySelectorAll('td a')].map(a => a.href)")
        self.assertEqual(len(links), 4)
        self.browser.driver.get(links[0])
        self.assertIn("ROC by class", self.captions())
        for trial in out.glob("trials/*"):
            self.assertEqual(problems(self.browser, trial / "report.html"), [])

    def test_the_page_of_a_sweep_with_seeds_failures_and_names_as_values(self):
        out = self.dir / "failures"
        run("sweep", "--model", "jsc-hls4ml,jsc-toy", *SMALL[:2], "--learning-rate", "1e-3:1e35:log2", "--optimizer", "sgd", "--momentum", 0,
            "--max-epochs", 2, "--seeds", 2, "--quiet", "--out", out, code=1)  # fmt: skip
        self.assertEqual(problems(self.browser, out / "report.html"), [])
        self.assertIn("Training loss by epoch, mean over 2 seeds", self.captions())

    def test_the_page_of_a_sweep_of_nothing_but_failures_has_no_empty_plots(self):
        out = self.dir / "nothing"
        run("sweep", "jsc-hls4ml", *SMALL[:2], "--learning-rate", "1e35,1e36", "--optimizer", "sgd", "--momentum", 0, "--max-epochs", 1,
            "--quiet", "--out", out, code=1)  # fmt: skip
        self.assertEqual(problems(self.browser, out / "report.html"), [])

    def test_the_page_of_a_sweep_with_many_values_and_of_pairs(self):
        for name, options in [("many", ["--learning-rate", "1e-4:1e-1:log10", "--batch-size", "64,128,256,512", "--seeds", 2]),
                              ("pairs", ["--batch-size", "64,256,1024", "--learning-rate", "1e-3,4e-3,16e-3", "--paired"])]:  # fmt: skip
            with self.subTest(name=name):
                out = self.dir / name
                run("sweep", "jsc-tiny", *SMALL[:2], *options, "--max-epochs", 2, "--quiet", "--no-report", "--out", out)
                run("sweep", "jsc-tiny", *SMALL[:2], *options, "--max-epochs", 2, "--quiet", "--out", out)  # the sweep's page alone
                self.assertEqual(problems(self.browser, out / "report.html"), [])

    def test_the_page_of_a_comparison(self):
        for runs in ([self.dir / "float", self.dir / "run"], [self.dir / "float"]):
            other = self.dir / "other"
            if len(runs) == 1:  # a run that has not ended, beside one that has
                run("train", "jsc-tiny", *SMALL, "--max-epochs", 2, "--out", other)
                (other / "summary.json").unlink()
                runs.append(other)
            with self.subTest(runs=runs):
                out = self.dir / f"compare-{runs[1].name}"
                run("compare", *runs, "--out", out)
                run("compare", *runs, "--out", out)  # into its own folder again
                self.assertEqual(problems(self.browser, out / "report.html"), [])
                self.assertEqual(self.captions(), ["Validation loss", "Training loss", "Validation accuracy"])

    def test_the_page_of_a_verification_in_a_folder_of_its_own(self):
        out = self.dir / "certificate"
        run("verify", "--load", self.dir / "run", *SMALL[:2], "--quiet", "--out", out)
        self.assertEqual(problems(self.browser, out / "report.html"), [])
        headings = self.browser.ask("return [...document.querySelectorAll('h2')].map(h => h.textContent)")
        self.assertEqual(headings, ["Classes", "Verification", "Ranges", "Features"])

    def test_a_plot_without_marks_is_seen(self):
        text = self.page.read_text()
        begin = text.index('<g class="marks"')
        path = text.index(" d='", begin)
        end = text.index("</g>", path)
        self.sees(self.broken(text[path:end], " d='M0,0'/>\n"), "a series without marks: Loss")

    def test_a_script_from_elsewhere_is_seen(self):
        self.sees(self.broken("</head>", '<script src="https://example.org/x.js"></script></head>'), "console: ")

    def test_a_request_is_seen_where_no_policy_forbids_it(self):
        style = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        self.sees(self.broken(f'content="{style}"', "content=\"default-src * 'unsafe-inline'\"><img src=\"missing.png\""), "request: ")

    def test_a_wide_table_is_seen(self):
        self.sees(self.broken("<main>", "<main><table><tr><td style='min-width:900px'>wide</td></tr></table>"), "wide: ")

    def test_faint_text_is_seen_in_the_scheme_it_is_faint_in(self):
        found = self.broken("--ink:#e6e7e5", "--ink:#333333")
        self.sees(found, "dark: ")
        self.assertFalse([line for line in found if line.startswith("light: ")])

    def test_a_download_of_other_numbers_is_seen(self):
        self.sees(self.broken("data:text/csv;charset=utf-8,epoch", "data:text/csv;charset=utf-8,epochs"), "loss.csv is not its table")

    def test_no_report_and_report_again(self):
        out = self.dir / "none"
        run("train", "jsc-toy", *SMALL, "--max-epochs", "1", "--no-report", "--out", out)
        self.assertFalse([p.name for p in out.iterdir() if p.suffix in (".html", ".svg")])
        text, _ = run("report", out, "--quiet")
        self.assertEqual(text, f"report: {out}/report.html\n")
        self.assertEqual(problems(self.browser, out / "report.html"), [])


if __name__ == "__main__":
    if CHROMIUM is None or DRIVER is None:
        print("skipped: chromium and chromium-driver are not installed")
        sys.exit(77)
    main()
