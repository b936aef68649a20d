"""A replay saved from the panel plays from disk, without a kernel and without a network."""

import pytest
from browser.jupyter import ARTEFACTS, Stage
from playwright.sync_api import expect

import sbkit as sb
from sbkit.lab.dials import dials
from sbkit.lab.replay import film
from sbkit.lab.session import Session

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(lesson, tmp_path_factory):
    """The file that Save replay offers after some training."""
    stage = lesson.open()
    stage.train(12)
    stage.pause()
    with lesson.page.expect_download() as download:
        stage.press("Save replay")
    path = tmp_path_factory.mktemp("replay") / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.fixture
def replay(file, browser):
    """The file, open in a browser without a network."""
    with browser.new_context(offline=True, viewport={"width": 1200, "height": 1000}) as context:
        page = context.new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on(
            "request", lambda request: problems.append(request.url) if request.url != file.as_uri() else None
        )
        page.goto(file.as_uri())
        stage = Stage(page.locator(".sb-stage"))
        stage.wait("frames", "n >= 1")
        yield stage
        assert not problems, "no error, and nothing asked of a network"


def test_it_is_named_after_the_lesson(file):
    assert file.name == "lesson.html"


def test_it_plays_to_the_end(replay):
    replay.speed.select_option("fast")
    replay.press("Run")
    replay.says("Done")
    assert replay.number("step") >= 12
    replay.page.screenshot(path=ARTEFACTS / "11-replay.png")


def test_it_pauses(replay):
    replay.speed.select_option("slow")
    replay.press("Run")
    replay.says("Replay")
    replay.more("step", by=2)
    replay.press("Pause")
    replay.says("Paused")
    step = replay.number("step")
    replay.press("Step")
    replay.wait("step", "n === v + 1", step)


def test_it_scrubs(replay):
    replay.slider.fill("3")
    replay.wait("step", "n === 3")
    replay.slider.press("Home")
    replay.wait("step", "n === 0")


def test_it_offers_nothing_that_needs_a_kernel(replay):
    for name in ("New seed", "New data", "Show code", "Save replay"):
        expect(replay.button(name)).to_have_count(0)


def test_it_tells_its_code(replay):
    expect(replay.page.locator("body > pre")).to_contain_text("run = lesson(slabs=5")


def test_a_film_of_a_dial_says_its_values(browser, tmp_path):
    def height(tall=1):
        return sb.Bars("bars", "Bars", sb.Axis("height", low=0, high=5), ["a"], [tall])

    meant = dials(height, {"tall": (1, 4)})
    (tmp_path / "film.html").write_text(film(Session(height, {"tall": 2}), meant))
    page = browser.new_page()
    page.goto((tmp_path / "film.html").as_uri())
    stage = Stage(page.locator(".sb-stage"))
    expect(page.locator(".sb-count")).to_have_text("tall=1")
    stage.speed.select_option("fast")
    stage.press("Run")
    stage.says("Done")
    expect(page.locator(".sb-count")).to_have_text("tall=4")
    assert stage.slider.get_attribute("aria-valuetext") == "tall=4"
    page.close()


def test_a_phone_shows_it_at_its_own_width(file, browser):
    with browser.new_context(is_mobile=True, viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        Stage(page.locator(".sb-stage")).wait("frames", "n >= 1")
        assert page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [360, 360]


def test_without_scripts_a_sentence_says_what_it_is(file, browser):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        expect(page.locator("body")).to_contain_text("A script in this page draws its pictures")
        expect(page.locator("body")).to_contain_text("run = lesson(")
