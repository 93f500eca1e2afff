// Keeps two pages fresh: the feed, and a job that runs. Every page is complete without it.
// It never makes markup of text: it copies a template of the page and sets the text of its parts.
"use strict";

// The changes that the feed shows at most; older ones are a page away.
const ROWS_MAX = 200;
// How often a page of a running job is loaded again, in milliseconds.
const RELOAD_MS = 2000;

function feed(live) {
  const rows = document.getElementById("changes");
  const template = document.getElementById("change");
  const stream = new EventSource(live.dataset.stream);
  let fresh = 0;
  stream.addEventListener("open", () => {
    if (fresh === 0) live.textContent = "Live: new changes appear by themselves.";
  });
  stream.addEventListener("error", () => {
    live.textContent = stream.readyState === EventSource.CLOSED
      ? "No longer live. Load the page again."
      : "The server does not answer. Trying again.";
  });
  stream.addEventListener("problem", () => {
    stream.close();
    live.textContent = "No longer live. Load the page again.";
  });
  stream.addEventListener("change", (event) => {
    const change = JSON.parse(event.data);
    const copy = template.content.cloneNode(true);
    const slot = (name) => copy.querySelector(`[data-slot="${name}"]`);
    for (const name of ["what", "record", "time", "cause"]) slot(name).textContent = change[name];
    slot("what").classList.add(change.what);
    slot("time").dateTime = change.at;
    for (const [name, became] of change.fields) {
      const field = document.createElement("div");
      field.append(document.createElement("dt"), document.createElement("dd"));
      field.children[0].textContent = name;
      field.children[1].textContent = became;
      slot("fields").append(field);
    }
    copy.querySelector("tr").classList.add("fresh");
    rows.prepend(copy);
    rows.closest("table").hidden = false;
    document.querySelector(".empty")?.remove();
    while (rows.children.length > ROWS_MAX) rows.lastElementChild.remove();
    fresh += 1;
    live.textContent = fresh === 1 ? "Live: 1 new change." : `Live: ${fresh} new changes.`;
  });
}

const live = document.querySelector("[data-stream]");
if (live) feed(live);
if (document.querySelector("[data-reload]")) setTimeout(() => location.reload(), RELOAD_MS);
