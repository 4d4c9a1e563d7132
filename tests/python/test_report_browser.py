"""The report page in a browser: what is drawn, linked, downloaded and asked of the network.

Runs with Debian's chromium and chromedriver; FERROSORT_REPORT names the page, by default the one that
`cargo test -p ferrosort-report --test page` leaves.
"""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.chrome.options import Options  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "target" / "tmp"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")


def page_path(name="report"):
    path = Path(os.environ["FERROSORT_REPORT"]) if name == "report" and "FERROSORT_REPORT" in os.environ else PAGES / f"{name}.html"
    if not path.is_file():
        pytest.skip(f"{path} is absent; cargo test -p ferrosort-report --test page leaves it")
    return path


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    options = Options()
    options.binary_location = CHROMIUM
    for argument in [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1440,900",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


def open_page(browser, name="report", anchor=""):
    browser.get("about:blank")
    browser.get(page_path(name).as_uri() + anchor)
    browser.execute_async_script("window.ferrosort.ready.then(arguments[0], (e) => arguments[0](String(e)))")


@pytest.fixture
def page(browser):
    for kind in ["browser", "performance"]:
        browser.get_log(kind)
    open_page(browser)
    return browser


def errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def draw_everything(browser):
    browser.execute_script("window.ferrosort.drawEverything()")
    states = "return window.ferrosort.plots.map((p) => [p.name, p.node.dataset.state, Number(p.node.dataset.points)])"
    wait_for(lambda: all(state == "drawn" for _, state, _ in browser.execute_script(states)))
    return browser.execute_script(states)


def test_every_plot_is_drawn_with_points_and_no_error(page):
    plots = draw_everything(page)
    assert len(plots) > 60
    names = [name for name, _, _ in plots]
    assert len(set(names)) == len(names), "names of plots are unique"
    assert [name for name, _, points in plots if points == 0] == []
    assert errors(page) == []


def test_no_plot_is_blank(page):
    draw_everything(page)
    blank = page.execute_script("""
        return [...document.querySelectorAll("figure[data-plot] canvas")].filter((canvas) => {
            const data = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
            return new Set(data).size < 3;
        }).map((canvas) => canvas.closest("figure").dataset.plot);""")
    assert blank == []


def test_the_page_asks_for_nothing_but_itself(page):
    draw_everything(page)
    requests = []
    for entry in page.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            requests.append(message["params"]["request"]["url"])
    outside = [url for url in requests if not url.startswith(("file:", "data:", "blob:", "about:"))]
    assert outside == []
    assert [url for url in requests if url.startswith("file:")] in ([], [page_path().as_uri()])


def test_plots_wait_until_they_are_seen(page):
    states = page.execute_script("return window.ferrosort.plots.map((p) => p.node.dataset.state)")
    assert states.count("pending") > len(states) / 2


def unit_rows(browser):
    return browser.find_elements(By.CSS_SELECTOR, "#units tr[data-unit]")


def selected(browser):
    return [row.get_attribute("data-unit") for row in unit_rows(browser) if row.get_attribute("aria-selected") == "true"]


def test_a_click_on_a_row_opens_the_unit(page):
    row = unit_rows(page)[3]
    unit = row.get_attribute("data-unit")
    row.click()
    assert selected(page) == [unit]
    run = page.find_element(By.ID, "unit-run").get_attribute("value")
    assert page.execute_script("return location.hash") == f"#unit-{run}-{unit}"
    assert page.find_element(By.ID, "unit-title").text
    assert page.find_elements(By.CSS_SELECTOR, '#unit-detail figure[data-plot="unit-autocorrelogram"]')


def test_keys_find_and_move(page):
    page.find_element(By.TAG_NAME, "body").send_keys("/")
    assert page.switch_to.active_element.get_attribute("id") == "unit-search"
    shown = [row.get_attribute("data-unit") for row in unit_rows(page)]
    page.find_element(By.CSS_SELECTOR, "#units .scroll").send_keys(Keys.ARROW_DOWN)
    assert selected(page) == [shown[1]]
    page.find_element(By.CSS_SELECTOR, "#units .scroll").send_keys(Keys.ARROW_UP)
    assert selected(page) == [shown[0]]


def test_a_search_keeps_only_the_units_that_fit(page):
    everything = len(unit_rows(page))
    search = page.find_element(By.ID, "unit-search")
    search.send_keys("snr>8")
    some = len(unit_rows(page))
    assert 0 < some < everything
    search.send_keys(" snr<8")
    assert len(unit_rows(page)) == 0
    search.send_keys(Keys.CONTROL, "a")
    search.send_keys(Keys.DELETE)
    assert len(unit_rows(page)) == everything


def test_a_header_sorts_both_ways(page):
    header = next(h for h in page.find_elements(By.CSS_SELECTOR, "#units th button") if h.text.startswith("spikes"))
    column = page.find_elements(By.CSS_SELECTOR, "#units th button").index(header)

    def values():
        script = "return [...document.querySelectorAll('#units tr[data-unit]')].map((r) => r.children[arguments[0]].textContent)"
        return [int(text.replace("\u202f", "")) for text in page.execute_script(script, column)]

    header.click()
    assert values() == sorted(values(), reverse=True)
    header.click()
    assert values() == sorted(values())


def test_a_link_to_a_unit_opens_it(browser):
    open_page(browser, anchor="#unit-1-5")
    assert selected(browser) == ["5"]
    assert browser.find_element(By.ID, "unit-run").get_attribute("value") == "1"


def test_the_problems_of_the_first_screen_lead_to_units(page):
    link = page.find_element(By.CSS_SELECTOR, '.findings a[href^="#unit-"]')
    _, run, unit = link.get_attribute("href").split("#")[1].split("-")
    link.click()
    wait_for(lambda: selected(page) == [unit])
    assert page.find_element(By.ID, "unit-run").get_attribute("value") == run


def test_a_point_of_a_plot_selects_its_unit(page):
    figure = page.find_element(By.CSS_SELECTOR, 'figure[data-plot="overview-accuracy-snr"]')
    wait_for(lambda: figure.get_attribute("data-state") == "drawn")
    before = page.execute_script("return location.hash")
    # Over a grid of places until one of them is a point.
    hit = page.execute_script("""
        const over = arguments[0].querySelector(".u-over"), box = over.getBoundingClientRect();
        for (let y = 2; y < box.height; y += 6) for (let x = 2; x < box.width; x += 6) {
            const at = { clientX: box.left + x, clientY: box.top + y, bubbles: true };
            over.dispatchEvent(new MouseEvent("mousemove", at));
            if (over.style.cursor !== "pointer") continue;
            over.dispatchEvent(new MouseEvent("mousedown", at));
            over.dispatchEvent(new MouseEvent("mouseup", at));
            return location.hash;
        }""", figure)
    assert hit and hit.startswith("#unit-") and hit != before


def newest(folder, name):
    path = folder / name
    wait_for(lambda: path.is_file() and path.stat().st_size > 0)
    return path


def download(browser, downloads, name):
    for old in downloads.iterdir():
        old.unlink()
    button = browser.find_element(By.CSS_SELECTOR, f'[data-download="{name}"]')
    browser.execute_script("arguments[0].click()", button)
    return newest(downloads, name)


def test_downloads_hold_the_numbers_of_the_plot(page, downloads):
    path = download(page, downloads, "overview-accuracy-snr.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("unit,signal to noise,accuracy")
    values = [float(cell) for line in lines[1:] for cell in line.split(",")[2:]]
    assert values and all(0 <= value <= 1 for value in values)
    data = json.loads(download(page, downloads, "overview-accuracy-snr.json").read_text(encoding="utf-8"))
    assert len(data["unit"]) == len(lines) - 1
    draw_everything(page)
    assert download(page, downloads, "overview-probe.png").read_bytes().startswith(b"\x89PNG")


def test_all_numbers_come_as_json(page, downloads):
    for old in downloads.iterdir():
        old.unlink()
    page.find_element(By.CSS_SELECTOR, '[data-download="all"]').click()
    report = json.loads(newest(downloads, "report.json").read_text(encoding="utf-8"))
    assert report["runs"][0]["units"][0]["id"]
    comparison = report["truth"]["available"]["comparisons"][0]
    assert len(comparison["accuracy"]) == len(report["runs"][report["truth"]["available"]["truth_run"]]["units"])


def test_the_theme_switches_and_plots_follow(page):
    draw_everything(page)
    ground = "return getComputedStyle(document.body).backgroundColor"
    before = page.execute_script(ground)
    page.find_element(By.ID, "theme-toggle").click()
    assert page.execute_script(ground) != before
    draw_everything(page)
    page.find_element(By.ID, "theme-toggle").click()
    assert page.execute_script(ground) == before
    assert errors(page) == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (800, 900)])
def test_nothing_sticks_out_sideways(page, width, height):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
    draw_everything(page)
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_printing_keeps_the_plots_and_hides_the_navigation(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script("return getComputedStyle(document.getElementById('nav')).display") == "none"
    pdf = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert len(pdf) > 100_000
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_parts_of_the_page_have_names(page):
    unnamed = page.execute_script("""
        return [...document.querySelectorAll("button, select, input, figure, [role=region]")]
            .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML.slice(0, 80));""")
    assert unnamed == []
    assert page.execute_script("return document.documentElement.lang") == "en"
    assert page.find_elements(By.CSS_SELECTOR, "a.skip")


@pytest.mark.parametrize("name", ["report-hostile", "report-poisoned", "report-empty", "report-pair", "report-single"])
def test_other_pages_open_without_errors(browser, name):
    browser.get_log("browser")
    open_page(browser, name)
    draw_everything(browser)
    assert errors(browser) == []
    assert browser.execute_script("return document.querySelectorAll('img, iframe, base, object, embed').length") == 0


def test_names_are_text_wherever_the_page_shows_them(browser):
    browser.get("about:blank")
    browser.get(page_path("report-poisoned").as_uri())
    browser.execute_script("window.alert = () => { window.poisoned = true; }")
    browser.execute_async_script("window.ferrosort.ready.then(arguments[0], (e) => arguments[0](String(e)))")
    draw_everything(browser)
    for row in unit_rows(browser)[:2]:
        browser.execute_script("arguments[0].click()", row)
    listeners = """return [...document.querySelectorAll("*")]
        .flatMap((e) => e.getAttributeNames().filter((n) => n.startsWith("on") || /^\\s*javascript:/i.test(e.getAttribute(n)))).length"""
    assert browser.execute_script(listeners) == 0
    assert not browser.execute_script("return Boolean(window.poisoned)")
    assert "<script>alert(1)</script>" in browser.execute_script("return document.querySelector('h1').textContent")


def test_a_large_page_opens_quickly(browser):
    start = time.monotonic()
    open_page(browser, "report-large")
    assert time.monotonic() - start < 20, "a busy machine included"
    assert len(unit_rows(browser)) > 200


def test_the_numbers_of_a_plot_open_as_a_table(page):
    button = page.find_element(By.CSS_SELECTOR, '[data-download="overview-accuracy-snr.table"]')
    page.execute_script("arguments[0].click()", button)
    rows = page.find_elements(By.CSS_SELECTOR, "dialog.numbers tbody tr")
    assert len(rows) == page.execute_script("return JSON.parse(document.getElementById('report-json').textContent).runs[0].units.length")
    page.find_element(By.CSS_SELECTOR, "dialog.numbers > button").click()
    assert page.find_elements(By.CSS_SELECTOR, "dialog.numbers") == []
    assert errors(page) == []
