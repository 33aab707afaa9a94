"use strict";
// Charts are drawn already; this only answers a pointer and keys.

function told(figure) {
  const element = figure.querySelector('script[type="application/json"]');
  return element ? JSON.parse(element.textContent) : null;
}

function read(value) {
  if (value === null || value === undefined) return "–";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}

// Curves: a line under the pointer, and the values there in words.
function curves(figure) {
  const facts = told(figure);
  const svg = figure.querySelector("svg");
  const out = figure.querySelector(".readout");
  if (!facts || !out || !facts.x.length) return;
  const xs = facts.x;
  const low = facts.low ?? xs[0];
  const high = facts.high ?? xs[xs.length - 1];
  const cross = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cross.setAttribute("class", "cross");
  cross.setAttribute("y1", 12);
  cross.setAttribute("y2", 220);
  let at = -1;
  function show(index) {
    at = Math.max(0, Math.min(xs.length - 1, index));
    const share = high > low ? (xs[at] - low) / (high - low) : 0.5;
    const place = facts.left + share * (facts.right - facts.left);
    cross.setAttribute("x1", place);
    cross.setAttribute("x2", place);
    svg.append(cross);
    const values = facts.series.map((one) => `${one.name} ${read(one.y[at])}`).join(", ");
    const note = facts.notes && facts.notes[xs[at]];
    const where = facts.unit ? `after ${read(xs[at])} ${facts.unit}` : `epoch ${xs[at]}`;
    out.textContent = `${where}: ${values}${note ? ` · ${note} begins` : ""}`;
  }
  function clear() {
    cross.remove();
    out.textContent = "";
    at = -1;
  }
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("pointermove", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const share = (point.x - facts.left) / Math.max(1, facts.right - facts.left);
    const value = low + share * (high - low);
    let index = 0;
    for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - value) < Math.abs(xs[index] - value)) index = i;
    show(index);
  });
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("blur", clear);
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(at < 0 ? (event.key === "End" ? xs.length - 1 : 0) : at + moves[event.key]);
  });
}

const brushes = new Map(); // a figure that is drawn anew keeps the bands it had

// Parallel coordinates: a band on an axis chooses the trials that pass through it.
function parallel(figure) {
  const facts = told(figure);
  const svg = figure.querySelector(".wide svg");
  const out = figure.querySelector(".readout");
  const picked = figure.querySelector(".picked");
  const axes = [...figure.querySelectorAll(".axis")];
  const bands = axes.map((axis) => brushes.get(axis.dataset.name) || null);
  const y = (share) => facts.bottom - share * (facts.bottom - facts.top);
  const share = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return Math.max(0, Math.min(1, (facts.bottom - point.y) / (facts.bottom - facts.top)));
  };
  function line(row) {
    return "M" + row.map((value, index) => `${facts.side + index * facts.step} ${y(value).toFixed(1)}`).join("L");
  }
  function draw() {
    axes.forEach((axis, index) => brushes.set(axis.dataset.name, bands[index]));
    const active = bands.some((band) => band);
    const chosen = [];
    facts.rows.forEach((row, index) => {
      const inside = bands.every((band, i) => !band || (row[i] >= band[0] && row[i] <= band[1]));
      if (inside) chosen.push(index);
    });
    figure.classList.toggle("brushed", active);
    picked.setAttribute("d", active ? chosen.map((index) => line(facts.rows[index])).join("") : "");
    picked.dataset.n = active ? chosen.length : 0;
    axes.forEach((axis, index) => {
      const brush = axis.querySelector(".brush"), band = bands[index];
      brush.setAttribute("y", band ? y(band[1]) : facts.top);
      brush.setAttribute("height", band ? Math.max(2, y(band[0]) - y(band[1])) : 0);
      axis.setAttribute("aria-valuetext", band ? `from ${Math.round(band[0] * 100)} to ${Math.round(band[1] * 100)} percent of the axis` : "all");
      axis.setAttribute("aria-valuenow", band ? Math.round((band[0] + band[1]) * 50) : 50);
    });
    const numbers = new Set(chosen.map((index) => String(facts.trials[index])));
    for (const row of document.querySelectorAll("#table tbody tr"))
      row.hidden = active && !numbers.has(row.cells[0].textContent);
    if (!active) out.textContent = "";
    else if (!chosen.length) out.textContent = "No trial passes there.";
    else {
      const first = chosen[0]; // rows stand in the order of their scores
      out.textContent = `${chosen.length} of ${facts.rows.length} trials; the best of them: trial ${facts.trials[first]}, ${facts.metric} ${read(facts.scores[first])}`;
    }
  }
  let waiting = false;
  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }
  axes.forEach((axis, index) => {
    const grip = axis.querySelector(".grip");
    let from = null;
    grip.addEventListener("pointerdown", (event) => {
      from = share(event);
      grip.setPointerCapture(event.pointerId);
      bands[index] = null;
      soon();
    });
    grip.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = share(event);
      bands[index] = Math.abs(to - from) < 0.01 ? null : [Math.min(from, to), Math.max(from, to)];
      soon();
    });
    for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, () => { from = null; });
    axis.addEventListener("keydown", (event) => {
      const up = event.key === "ArrowUp" || event.key === "ArrowRight" ? 1 : 0;
      const down = event.key === "ArrowDown" || event.key === "ArrowLeft" ? 1 : 0;
      if (event.key === "Escape") bands[index] = null;
      else if (up || down) {
        const band = bands[index] || (up ? [0.75, 1] : [0, 0.25]);
        const by = 0.05 * (up - down);
        if (bands[index]) {
          if (event.shiftKey) band[up ? 1 : 0] += by;
          else { band[0] += by; band[1] += by; }
        }
        bands[index] = [Math.max(0, Math.min(band[0], 0.98)), Math.min(1, Math.max(band[1], 0.02))];
      } else return;
      event.preventDefault();
      soon();
    });
  });
  if (bands.some((band) => band)) draw();
}

function revive(part) {
  for (const figure of part.querySelectorAll("figure.curves")) curves(figure);
  const brushed = part.querySelector("#parallel");
  if (brushed) parallel(brushed);
}

revive(document);
