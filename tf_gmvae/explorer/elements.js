// Elements of the page, numbers as text, and files to take away. Texts are set as text, never as HTML.

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") made.className = value;
    else if (key === "style") Object.assign(made.style, value);
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

function fill(root, ...children) {
  root.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

function button(text, onclick, properties = {}) {
  return element("button", { type: "button", onclick, ...properties }, text);
}

function rgb(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

// A colour that can be told from the page it is on: dark ones are lightened on a dark page.
function visible(colour) {
  const [r, g, b] = rgb(colour);
  const lacking = 0.42 - (0.3 * r + 0.59 * g + 0.11 * b) / 255;
  if (lacking <= 0 || !matchMedia("(prefers-color-scheme: dark)").matches) return colour;
  return `#${[r, g, b].map((value) => Math.round(value + lacking * (255 - value)).toString(16).padStart(2, "0")).join("")}`;
}

function byId(id) {
  return document.getElementById(id);
}

function dot(colour) {
  return element("span", { class: "dot", style: { background: colour }, "aria-hidden": "true" });
}

function bar(share, colour) {
  return element("span", { class: "bar", "aria-hidden": "true" },
    element("i", { style: { width: `${(100 * share).toFixed(1)}%`, background: colour } }));
}

function count(number) {
  return number.toLocaleString("en");
}

function signed(value, digits) {
  return value.toFixed(digits).replace("-", "−");
}

// A share that is not all is not said to be all, nor one that is more than nothing to be nothing.
function percent(share) {
  if (share > 0.9995 && share < 1) return "> 99.9 %";
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

function figure(value) {
  if (Number.isNaN(value)) return "missing";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  return Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(4);
}

function unpacked(text, Kind) {
  return new Kind(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function say(text) {
  byId("said").textContent = text;
}

function choice(fieldset, name, options, chosen, onchange) {
  for (const [value, text] of options) {
    fieldset.append(element("label", {},
      element("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }), text));
  }
}

// A table as CSV: all that is no number stands in quotes, so that no text can leave its cell.
function csv(header, rows) {
  const cell = (value) => (typeof value === "number" ? String(value) : `"${String(value).replaceAll('"', '""')}"`);
  return [header, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

function takeAway(filename, text, kind) {
  const address = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
  element("a", { href: address, download: filename }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  say(`${filename} is saved where downloads go.`);
}
