"""What the kernel and the notebook around a panel do to it: cells that run again, interrupts, restarts."""

import pytest
from browser.jupyter import RAN, Stage
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_running_the_cell_again_leaves_one_live_stage(lesson, stage):
    stage.train()
    again = lesson.open()
    expect(lesson.page.locator(".sb-stage")).to_have_count(1)
    again.says("Ready")
    assert again.number("step") == 0


def test_other_views_of_the_replaced_panel_end_with_it(lesson, stage):
    lesson.ask("panel")
    other = Stage(lesson.scratch.locator(".sb-stage"))
    other.train()
    lesson.open()
    expect(other.root).to_have_count(0)
    lesson.ask("pass")


def test_two_panels_of_a_lesson_live_side_by_side(lesson, stage):
    lesson.ask("sb.lab(lesson, depth=(0, 8))")
    other = Stage(lesson.scratch.locator(".sb-stage"))
    other.speed.select_option("slow")
    stage.press("Run")
    other.press("Run")
    for one in (stage, other, stage, other):
        one.more("step", by=2)
        one.says("Training")
    stage.pause()
    other.more("step", by=2)
    lesson.ask("pass")


def test_interrupt_stops_a_panel_that_trains(lesson, stage):
    stage.train()
    lesson.notebook.menu("Kernel", "Interrupt Kernel")
    expect(stage.root).to_contain_text("Interrupted; press Run to go on.")
    stage.press("Run")
    stage.more("step", by=3)
    stage.says("Training")


def test_a_restarted_kernel_is_not_taken_for_a_live_one(lesson, stage):
    stage.train()
    lesson.notebook.menu("Kernel", "Restart Kernel…")
    lesson.page.locator(".jp-Dialog").get_by_role("button", name="Confirm").click()
    stage.says("Stopped")
    lesson.notebook.picture("9-kernel-restarted")


def test_start_here_runs_through(open_notebook):
    notebook = open_notebook("0-start-here.ipynb")
    notebook.menu("Run", "Run All Cells")
    prompts = notebook.page.locator(".jp-CodeCell .jp-InputPrompt")
    for prompt in prompts.all():
        expect(prompt).to_have_text(RAN)
    expect(notebook.page.locator("[data-mime-type='application/vnd.jupyter.error']")).to_have_count(0)
    stages = notebook.page.locator(".sb-stage")
    expect(stages).to_have_count(2)
    tour, waiting = (Stage(root) for root in stages.all())
    tour.train()
    waiting.says("Locked")
    notebook.page.get_by_role("button", name="Commit").click()
    waiting.says("Ready")
    notebook.picture("10-start-here")
