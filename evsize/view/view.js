"use strict";
// Shows what the session on this computer answers; it decides nothing itself.
const $ = (id) => document.getElementById(id);
const NS = "http://www.w3.org/2000/svg";
const POLL_MS = 400, PAUSE_MS = 200;
let recording = null, found = null, looking = false, lookAgain = false, timer = 0;

async function ask(what, content) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
  let answer;
  try {
    answer = await (await fetch(what, content ? post : {})).json();
  } catch {
    answer = { error: "evsize does not answer any more: start it again in the terminal." };
  }
  $("message").textContent = answer.error ?? "";
  $("message").hidden = !answer.error;
  return answer.error ? null : answer;
}

function wanted(path = "") {
  const values = {};
  for (const field of document.querySelectorAll("[data-value]")) values[field.dataset.value] = field.value;
  const threshold = $("automatic").checked ? null : +$("threshold").value;
  return { frame: +$("frame").value, threshold_snr: threshold, values, path, replace: $("replace").checked };
}

function list(target, pairs) {
  target.replaceChildren(...pairs.flatMap(([name, text]) => [made("dt", name), made("dd", text)]));
}

function made(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function show(state) {
  recording = state.recording;
  found = null;
  $("look").hidden = !recording;
  $("about").textContent = recording ? [recording.about, ...recording.notes].join(". ") : state.note;
  showRun(state.run);
  if (!recording) return;
  $("name").textContent = recording.name;
  $("path").value = recording.path;
  $("spots").setAttribute("viewBox", `0 0 ${recording.width} ${recording.height}`);
  $("frame").max = recording.frames - 1;
  $("frame").value = Math.floor(recording.frames / 2);
  for (const [name, value] of Object.entries(recording.values)) {
    $(`value-${name}`).value = value;
    $(`source-${name}`).textContent = recording.sources[name] ? `from: ${recording.sources[name]}` : "";
  }
  $("automatic").checked = recording.threshold_snr === null;
  $("threshold").max = Math.max(20, recording.threshold_snr ?? 0);
  $("threshold").value = recording.threshold_snr ?? 5;
  $("settings-file").value = recording.settings_file;
  $("out").value = recording.out;
  showFrame();
  look();
}

function showFrame() {
  const frame = +$("frame").value, contrast = 2 ** +$("contrast").value;
  $("picture").src = `frame/${frame}.png?contrast=${contrast}`;
  $("frame-number").textContent = frame;
  $("contrast-value").textContent = contrast.toFixed(1);
  showSpots();
}

function showSpots() {
  const spots = found?.spots[+$("frame").value - found.first];
  $("spots").replaceChildren(...(spots ?? []).map(([x, y, weak]) => {
    const ring = document.createElementNS(NS, "circle");
    ring.setAttribute("class", weak ? "spot weak" : "spot");
    ring.setAttribute("cx", x + 0.5);
    ring.setAttribute("cy", y + 0.5);
    ring.setAttribute("r", found.radius_px);
    return ring;
  }));
  const weak = spots?.filter((spot) => spot[2]).length;
  $("here").textContent = spots ? `In this frame: ${spots.length} spots${weak ? `, ${weak} of them weak` : ""}` : "";
  if (recording && !spots) lookSoon();
}

function lookSoon() {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
}

async function look() {
  lookAgain = looking;
  if (looking) return;
  looking = true;
  $("look").setAttribute("aria-busy", "true");
  if (!found) $("here").textContent = "Looking at a few frames; the first time takes half a minute.";
  const answer = await ask("look", wanted());
  looking = false;
  $("look").setAttribute("aria-busy", "false");
  if (lookAgain) return look();
  if (!answer) return;
  found = answer;
  if ($("automatic").checked) $("threshold").value = found.threshold_snr;
  $("threshold-value").textContent = found.threshold_snr.toFixed(1);
  $("sample").textContent = `In frames ${found.first} to ${found.first + found.count - 1}:`;
  list($("figures"), found.figures);
  $("remark").textContent = found.remark;
  $("sizes").innerHTML = found.sizes; // a drawing of evsize, without text from outside
  showSpots();
}

function showRun(run) {
  const running = run.status === "running";
  for (const button of document.querySelectorAll("button")) button.disabled = running;
  $("progress").hidden = !running;
  if (run.total) { $("progress").max = run.total; $("progress").value = run.done; }
  else $("progress").removeAttribute("value");
  $("stage").textContent = running ? `${run.stage || "opening"} ${run.total ? `${run.done} of ${run.total}` : ""}` : "";
  if (run.status === "failed") { $("message").textContent = run.error; $("message").hidden = false; }
  $("result").hidden = !run.result;
  if (run.result) {
    const { verdict, mark, meaning, remarks, figures, folder } = run.result;
    $("result").className = `verdict ${verdict}`;
    $("badge").className = `badge ${verdict}`;
    $("badge").textContent = `${mark} ${verdict}`;
    $("meaning").textContent = meaning;
    $("remarks").replaceChildren(...remarks.map(({ rule, message, advice }) => {
      const item = made("li", ` ${message}${advice ? ` What to do: ${advice}` : ""}`);
      item.prepend(made("b", rule));
      return item;
    }));
    list($("result-figures"), figures);
    $("folder").textContent = `in ${folder}`;
  }
  if (running) setTimeout(async () => { const state = await ask("state"); if (state) showRun(state.run); }, POLL_MS);
}

$("open").addEventListener("submit", async (event) => {
  event.preventDefault();
  const state = await ask("open", { path: $("path").value });
  if (state) show(state);
});
$("save").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("saved").textContent = "";
  const saved = await ask("save", wanted($("settings-file").value));
  if (saved) $("saved").textContent = `Saved: ${saved.path}. The same in the terminal: ${saved.command}`;
});
$("run").addEventListener("submit", async (event) => {
  event.preventDefault();
  const state = await ask("run", wanted($("out").value));
  if (state) showRun(state.run);
});
for (const id of ["frame", "contrast"]) $(id).addEventListener("input", showFrame);
$("threshold").addEventListener("input", () => {
  $("automatic").checked = false;
  $("threshold-value").textContent = (+$("threshold").value).toFixed(1);
  lookSoon();
});
$("automatic").addEventListener("change", lookSoon);
for (const field of document.querySelectorAll("[data-value]")) field.addEventListener("change", lookSoon);
(async () => { const state = await ask("state"); if (state) show(state); })();
