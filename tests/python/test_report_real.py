"""Pages that the program writes about its own results, in a browser: everything is drawn, nothing is asked of the network."""

import json

import pytest

from sorting import ferrosort
from test_report_browser import browser, downloads, draw_everything, errors, pytestmark  # noqa: F401


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """Truth and two sorters with all their intermediates, on 16 channels and 20 s."""
    folder = tmp_path_factory.mktemp("notebook")
    settings = folder / "small.toml"
    settings.write_text(
        'preset = "emouse-drift"\nduration_s = 20.0\n[probe]\nn_channels = 16\n[units]\nn = 8\n'
    )
    options = ["--simulation", settings, "--set", "NT=16448", "--quiet"]
    ferrosort("notebook", "--output", folder / "notebook", *options)
    return folder / "notebook"


def opened(driver, path):
    for kind in ["browser", "performance"]:
        driver.get_log(kind)
    driver.get(path.as_uri())
    driver.execute_async_script("window.ferrosort.ready.then(arguments[0], (e) => arguments[0](String(e)))")
    plots = draw_everything(driver)
    assert errors(driver) == []
    requests = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in driver.get_log("performance")
        if json.loads(entry["message"])["message"]["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert [name for name, _, points in plots if points == 0] == []
    return {name for name, _, _ in plots}


def test_the_notebook_s_page_has_every_plot_of_the_notebook(browser, notebook):  # noqa: F811
    plots = opened(browser, notebook / "report.html")
    starts = {name.split("-")[0] for name in plots}
    for part in ["alignment", "whitening", "ccb0", "ccbsort", "order", "similarity", "templates", "pair", "motion", "confusion"]:
        assert any(part in start for start in starts), f"{part} is not among {sorted(plots)}"


def test_the_demo_s_page_is_drawn(browser, demo):  # noqa: F811
    assert {"accuracy-snr", "confusion-1", "unit-waveform", "drift-points-1"} <= opened(browser, demo / "report.html")


def test_a_page_about_one_sorting_is_drawn(browser, demo, tmp_path):  # noqa: F811
    page = tmp_path / "one.html"
    ferrosort("report", demo / "sorting", "--output", page, "--quiet")
    plots = opened(browser, page)
    assert "unit-waveform" in plots and not any(name.startswith("confusion") for name in plots)
