"use strict";
// What a served page does beside answering pointer and keys: it hears of news, and sends wishes.

const said = document.getElementById("said");
const late = new Map(); // parts that arrived while someone held the pointer down
let holding = false;

function say(text, wrong) {
  said.textContent = text;
  said.classList.toggle("wrong", Boolean(wrong));
}

async function wish(where, what) {
  try {
    const answer = await fetch(where, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Luthier-Token": document.body.dataset.token },
      body: JSON.stringify(what),
    });
    say((await answer.json()).said, !answer.ok);
  } catch {
    say("The server does not answer. Is luthier serve still running?", true);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-post]");
  if (button) wish(button.dataset.post, {});
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  wish(event.target.dataset.post, Object.fromEntries(new FormData(event.target)));
});
document.addEventListener("change", (event) => {
  if (event.target.dataset.go) location.href = event.target.dataset.go + event.target.value;
});

// A part is replaced as a whole; what someone opened, scrolled to or stands on stays.
function put(id, html) {
  const old = document.getElementById(id);
  const box = document.createElement("template");
  box.innerHTML = html;
  const fresh = box.content.firstElementChild;
  const all = (part, what) => [...part.querySelectorAll(what)];
  const stops = "[tabindex], a, button, input, select, summary";
  const at = all(old, stops).indexOf(document.activeElement);
  const open = all(old, "details").map((one) => one.open);
  const across = all(old, ".wide").map((one) => one.scrollLeft);
  all(fresh, "details").forEach((one, i) => { one.open = open[i] ?? one.open; });
  old.replaceWith(fresh);
  all(fresh, ".wide").forEach((one, i) => { one.scrollLeft = across[i] ?? 0; });
  revive(fresh);
  if (at >= 0) all(fresh, stops)[at]?.focus({ preventScroll: true });
}

function flush() {
  if (holding) return;
  for (const [id, html] of late) put(id, html);
  late.clear();
}

document.addEventListener("pointerdown", () => { holding = true; });
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => { holding = false; setTimeout(flush); });
}

if (document.body.dataset.events) {
  const news = new EventSource(document.body.dataset.events);
  news.addEventListener("part", (event) => {
    const part = JSON.parse(event.data);
    late.set(part.id, part.html);
    flush();
  });
  let lost = false;
  news.addEventListener("error", () => { lost = true; say("The server is gone; the page shows what it was last told.", true); });
  news.addEventListener("open", () => { if (lost) say(""); lost = false; });
}
