"""The static site from disk: it plays, its links lead, it asks no network and runs no stranger's code."""

import json
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.jupyter import ARTEFACTS, PATIENCE, ROOT, Stage
from claims_page import HEADS
from hostile import FLAG, HOSTILE, RUN
from playwright.sync_api import expect

pytest.importorskip("latex2mathml", reason="the site is made with the extra `author`")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSON, NEXT = "0-start-here", "0-instruments/01-how-we-measure"  # with a replay, and without one


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of two lessons: the scripts run as `make replays` and `make site` run them."""
    site = tmp_path_factory.mktemp("site")
    rows = [
        dict.fromkeys(HEADS, text) | {"lesson": lesson}
        for lesson in (LESSON, HOSTILE["image"])
        for text in HOSTILE.values()
    ]
    (site / "claims.json").write_text(json.dumps(rows))
    to = ["--out", str(site)]
    for command in (
        ["replays.py", "--only", LESSON, *to],
        ["gallery.py", "--only", "0-", "--claims", str(site / "claims.json"), *to],
    ):
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / command[0], *command[1:]], capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
    return site


@pytest.fixture
def page(site, browser):
    """A page on the site's index; an error, or asking for anything but the site, fails the test."""
    expect.set_options(timeout=PATIENCE)
    with browser.new_context(viewport={"width": 1200, "height": 1000}) as context:
        problems = []
        context.route("**/*", lambda route: route.continue_() if ours(route.request) else route.abort())

        def ours(request):
            inside = request.url.startswith(site.as_uri())
            if not inside:
                problems.append(request.url)
            return inside

        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto((site / "index.html").as_uri())
        yield page
        assert not problems, "no error, and nothing asked of a network"
        assert page.evaluate(f"window.{FLAG}") is None


@pytest.fixture
def replay(page, site):
    """The first replay of a lesson's page."""
    page.goto((site / f"{LESSON}.html").as_uri())
    stage = Stage(page.locator(".sb-stage").first)
    stage.wait("frames", "n >= 1")
    return stage


def test_a_replay_is_smaller_than_a_megabyte(site):
    sizes = [file.stat().st_size for file in (site / "replays").rglob("*.html")]
    assert sizes and max(sizes) < 1_000_000


def test_the_gallery_leads_to_the_lessons_and_they_to_each_other(page):
    card = page.get_by_role("listitem").filter(has_text="how does a network decide?")
    expect(card).to_contain_text("10 minutes · plays")
    page.screenshot(path=ARTEFACTS / "20-site.png", full_page=True)
    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Start here: how does a network decide?")
    page.get_by_role("link", name="How do we know what a network uses? ›").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How do we know what a network uses?")
    page.get_by_role("link", name="Start here", exact=True).first.click()  # the notebook's own link
    expect(page).to_have_title("Start here: how does a network decide?")
    page.get_by_role("link", name="The claims of this lesson").click()
    expect(page).to_have_title("Claims")


def test_a_replay_plays_in_the_lessons_page(replay):
    assert replay.number("step") == 0
    replay.press("Run")
    replay.more("step", by=3)
    replay.says("Done")
    replay.page.screenshot(path=ARTEFACTS / "21-site-lesson.png")


def test_a_replay_is_driven_by_keyboard(replay):
    replay.speed.select_option("slow")
    replay.button("Run").focus()
    replay.page.keyboard.press("Enter")
    replay.more("step")
    replay.page.keyboard.press("Enter")
    replay.says("Paused")
    replay.slider.focus()
    replay.page.keyboard.press("Home")
    replay.page.keyboard.press("ArrowRight")
    replay.wait("step", "n === 1")


def test_a_replay_also_stands_alone(replay, site):
    page = replay.page
    page.locator(".alone a", has_text="1").click()
    alone = Stage(page.locator(".sb-stage"))
    alone.press("Run")
    alone.more("step")
    assert page.url.startswith((site / "replays" / LESSON).as_uri())


def test_formulas_are_drawn_without_a_script(page, site):
    page.goto((site / f"{NEXT}.html").as_uri())
    assert page.locator("script").count() == 0, "a page without a replay needs none"
    formulas = page.locator("math")
    assert formulas.count() and all(box["width"] > 5 for box in map(_box, formulas.all()))
    assert "$" not in page.locator(".jp-RenderedMarkdown").first.inner_text()
    assert page.locator("img:not([alt])").count() == 0
    solution = page.locator("details", has_text="A solution").first
    assert solution.get_attribute("open") is None


def _box(locator):
    return locator.bounding_box() or {"width": 0}


def test_no_link_leads_to_a_notebook(page, site):
    for name in (LESSON, NEXT):
        page.goto((site / f"{name}.html").as_uri())
        links = page.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert not [link for link in links if link.endswith(".ipynb") and "://" not in link]


def test_claims_are_text_whatever_they_say(page, site):
    page.goto((site / "claims.html").as_uri())
    for text in HOSTILE.values():
        row = page.get_by_role("row").filter(has=page.get_by_role("cell")).filter(has_text=text.strip())
        expect(row).to_have_count(2)
    assert page.locator("main img, main svg, main script, main [onload], main [onerror]").count() == 0


def test_a_phone_reads_every_page_and_axe_finds_nothing_serious(page, site):
    page.set_viewport_size({"width": 360, "height": 800})
    for name in ("index", "claims", LESSON, NEXT):
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 360, "nothing hangs over"
        found = Axe().run(page).response["violations"]
        assert not [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")]


def test_a_page_runs_no_script_but_the_player(site, browser):
    text = (site / f"{LESSON}.html").read_text()
    (site / "attacked.html").write_text(
        text.replace("</h1>", f"</h1><script>{RUN}</script>{''.join(HOSTILE.values())}", 1)
    )
    page = browser.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto((site / "attacked.html").as_uri())
    page.locator("h1").hover()
    assert page.evaluate(f"window.{FLAG}") is None
    assert any("Content Security Policy" in text for text in refused)
    page.close()
