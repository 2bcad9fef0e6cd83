"use strict";
// What a page has beyond what works without: a reading line on the curve, a copy button, print.
for (const line of document.querySelectorAll(".cursor")) {
  const svg = line.ownerSVGElement, box = svg.closest("figure").querySelector(".reading");
  const slider = box.querySelector("input"), output = box.querySelector("output");
  const points = JSON.parse(line.dataset.points);
  const show = (index) => {
    const [x, nm, share, low, high] = points[index];
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    output.textContent = `${nm} nm: ${share} % (${low} to ${high})`;
    slider.setAttribute("aria-valuetext", output.textContent);
  };
  slider.max = points.length - 1;
  slider.value = points.reduce((best, row, i) => (+row[2] > +points[best][2] ? i : best), 0);
  slider.addEventListener("input", () => show(+slider.value));
  svg.addEventListener("pointermove", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const near = (row) => Math.abs(row[0] - at.x);
    slider.value = points.reduce((best, row, i) => (near(row) < near(points[best]) ? i : best), 0);
    show(+slider.value);
  });
  box.hidden = false;
  show(+slider.value);
}
for (const button of document.querySelectorAll("[data-copies]")) {
  const text = document.getElementById(button.dataset.copies);
  const answer = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const range = document.createRange();
    range.selectNodeContents(text);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    try {
      await navigator.clipboard.writeText(text.textContent);
      answer.textContent = "Copied.";
    } catch {
      answer.textContent = "Selected: copy it with Ctrl+C.";
    }
  });
}
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
