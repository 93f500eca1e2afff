// A user without a mouse: moves the focus with Tab, and sees where it is.

import assert from "node:assert/strict";

/** Presses Tab until the focus is on the element with this role and name. */
export async function tabTo(page, role, name) {
  for (let steps = 0; steps < 200; steps += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      const label = element.labels?.[0]?.innerText ?? element.innerText ?? element.value;
      const roles = { A: "link", BUTTON: "button", SUMMARY: "summary" };
      return {
        role: roles[element.tagName] ?? element.type ?? element.tagName,
        name: (element.getAttribute("aria-label") ?? label ?? "").trim(),
        isVisible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      };
    });
    if (!focused) continue;
    assert.ok(focused.isVisible, `the focus is not visible on ${JSON.stringify(focused)}`);
    if (focused.role === role && focused.name.includes(name)) return;
  }
  assert.fail(`Tab never reaches the ${role} ${name} of ${page.url()}`);
}

/** Goes to an element and presses a key that leads to another page. */
export async function activate(page, role, name) {
  await tabTo(page, role, name);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}
