"""Chromium, and what pages are asked in it."""

import os
import shutil

# Text and charts reach beyond a phone's screen only inside what scrolls on its own.
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = c => c.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour == 'rgba(0, 0, 0, 0)' ? behind(element.parentElement) : colour;
  };
  const texts = 'p, h1, h2, h3, dt, dd, figcaption, svg text, button:enabled, label';
  return [...document.querySelectorAll(texts)].map(element => {
    const style = getComputedStyle(element), page = luminance(rgb(behind(element)));
    const text = luminance(rgb(element.tagName == 'text' ? style.fill : style.color));
    return (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05);
  }).reduce((a, b) => Math.min(a, b));
}"""


def started():
    """Yields Chromium, as a fixture does."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "no browser found: install Chromium, or set CHROMIUM to its path"
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield browser
        browser.close()
