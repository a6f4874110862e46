// The page as a whole: what is shown, chosen, named and marked, and who is told.

const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // dark for little, light for much

function shade(share) {
  const place = Math.max(0, Math.min(1, share)) * (STOPS.length - 1);
  const [i, rest] = [Math.min(STOPS.length - 2, Math.floor(place)), place - Math.min(STOPS.length - 2, Math.floor(place))];
  return STOPS[i].map((value, c) => Math.round(value + rest * (STOPS[i + 1][c] - value)));
}

class Explorer {
  constructor(known) {
    this.known = known;
    this.source = known.live ? new ServedSource(known) : new PageSource(known);
    Object.assign(this, { colourBy: "cluster", hidden: new Set(), low: 0, high: 1, row: null, cluster: null, group: [], marks: new Map() });
    this.came = known.colours.map((_, k) => (known.names && known.names[k] !== String(k) ? known.names[k] : ""));
    this.names = [...this.came];
    if (known.kept) this.read(known.kept);
    this.scatter = new Scatter(byId("map"), known, {
      point: (point) => this.open(point === null ? null : known.row(point)),
      lasso: (points) => this.take(points),
      hover: (...at) => this.hover(...at),
    });
    this.panels = { clusters: new ClustersPanel(this), example: new ExamplePanel(this), group: new GroupPanel(this),
      styles: new StylesPanel(this), keep: new KeepPanel(this) };
    this.top();
    this.tint();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.tint();
      this.panels[this.tab].draw();
      this.paint();
    });
    this.tabs({ clusters: "Clusters", example: "Example", group: "Group", styles: "Styles", keep: "Take away" });
    this.show("clusters");
    this.paint();
    document.documentElement.dataset.ready = "";
  }

  tint() {
    this.given ??= { colours: this.known.colours, classColours: this.known.classColours };
    this.known.colours = this.given.colours.map(visible);
    this.known.classColours = this.given.classColours && this.given.classColours.map(visible);
  }

  top() {
    const { known } = this;
    const of = known.total > known.count ? `${count(known.count)} of ${count(known.total)} examples, drawn,` : `${count(known.count)} examples`;
    byId("about").textContent = `${of} of ${known.dataset} (${known.parts.join(" and ")}) in ${known.colours.length} clusters, found by ${known.method}.`;
    const colours = [["cluster", "cluster"], known.label && ["label", "label"], ["certainty", "certainty"], known.elbo && ["elbo", "ELBO"]];
    choice(byId("colour-by"), "colour-by", colours.filter(Boolean), "cluster", (value) => {
      this.colourBy = value;
      this.paint();
    });
    choice(byId("tool"), "tool", [["move", "move"], ["lasso", "draw a lasso"]], "move", (value) => {
      this.scatter.lassoing = value === "lasso";
      byId("map").classList.toggle("lasso", value === "lasso");
    });
    byId("zoom-in").addEventListener("click", () => this.scatter.zoom(1.5));
    byId("zoom-out").addEventListener("click", () => this.scatter.zoom(1 / 1.5));
    byId("fit").addEventListener("click", () => this.scatter.fit());
    const height = () => document.documentElement.style.setProperty("--top", `${document.querySelector(".top").offsetHeight}px`);
    new ResizeObserver(height).observe(document.querySelector(".top"));
  }

  tabs(texts) {
    const list = byId("tabs");
    for (const [name, text] of Object.entries(texts)) {
      list.append(element("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`,
        onclick: () => this.show(name) }, text));
      byId("panels").append(element("div", { class: "panel", role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`,
        tabindex: "0", hidden: true }, this.panels[name].root));
    }
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const all = Object.keys(texts);
      const next = all[(all.indexOf(this.tab) + step + all.length) % all.length];
      this.show(next);
      byId(`tab-${next}`).focus();
    });
  }

  show(name) {
    this.tab = name;
    for (const each of Object.keys(this.panels)) {
      byId(`panel-${each}`).hidden = each !== name;
      byId(`tab-${each}`).setAttribute("aria-selected", String(each === name));
      byId(`tab-${each}`).tabIndex = each === name ? 0 : -1;
    }
    this.panels[name].draw();
    this.filter();
  }

  failure(error) {
    return element("p", { class: "none" }, `This could not be had. ${error.message} If the server has ended, start train.explore again.`);
  }

  clusterName(k) {
    return this.names[k] ? `${this.names[k]} (${k})` : `Cluster ${k}`;
  }

  open(row) {
    this.row = row;
    this.scatter.current = row === null ? null : this.known.point(row) ?? null;
    this.scatter.redraw();
    if (row === null) {
      if (this.tab === "example") this.show("example");
      return;
    }
    this.show("example");
    const tabs = byId("tabs");
    if (tabs.getBoundingClientRect().top > 0.6 * innerHeight) tabs.scrollIntoView({ block: "center" }); // on a phone it is below
    const point = this.scatter.current;
    if (point !== null) {
      const brief = this.known.brief(point);
      say(`Example ${brief.id}, ${this.clusterName(brief.cluster)}, certainty ${percent(brief.certainty)}`);
    }
  }

  openCluster(k) {
    this.cluster = k;
    this.show("clusters");
    byId("panels").scrollTop = 0;
    if (k !== null) byId("cluster-title").focus({ preventScroll: true });
  }

  take(points) {
    this.group = points;
    this.panels.group.more = EACH;
    this.show("group");
    say(points.length ? `${count(points.length)} examples are in the group.` : "No example is in the group.");
  }

  filter() {
    const { known, scatter, cluster } = this;
    // What the panel beside the map is about stands out, and the rest steps back.
    const group = this.tab === "group" && this.group.length ? new Set(this.group) : null;
    const stands = group ? (p) => group.has(p) : this.tab === "clusters" && cluster !== null ? (p) => known.cluster[p] === cluster : () => true;
    for (let p = 0; p < known.count; p++) {
      const sure = known.certainty[p];
      // The ends take all in: certainties of float32 may end a little above 1.
      scatter.shown[p] = (sure >= this.low || this.low === 0) && (sure <= this.high || this.high === 1) && !this.hidden.has(known.cluster[p]) ? 1 : 0;
      scatter.faint[p] = stands(p) ? 0 : 1;
    }
    if (this.panels.clusters.counted) this.counted(this.panels.clusters.counted);
    this.texts();
    const shown = scatter.shown.reduce((sum, each) => sum + each, 0);
    byId("empty").hidden = shown > 0;
    byId("map").setAttribute("aria-label", `Map of ${count(shown)} examples, coloured by ${this.colourBy}`);
  }

  counted(into) {
    const shown = this.scatter.shown.reduce((sum, each) => sum + each, 0);
    into.textContent = `${count(shown)} of ${count(this.known.count)} are on the map.`;
  }

  paint() {
    const { known, scatter } = this;
    const by = this.colourBy;
    const legend = byId("legend");
    let colour;
    if (by === "cluster" || by === "label") {
      const colours = (by === "cluster" ? known.colours : known.classColours).map(rgb);
      const of = by === "cluster" ? known.cluster : known.label;
      colour = (p) => colours[of[p]];
      const names = by === "cluster" ? known.colours.map((_, k) => this.names[k] || String(k)) : known.classes;
      const all = by === "cluster" ? known.colours : known.classColours;
      legend.replaceChildren(...names.map((name, k) => element("span", {}, dot(all[k]), name)));
    } else {
      const values = known[by];
      const sorted = Float32Array.from(values).sort();
      const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
      const [low, high] = by === "certainty" ? [Math.min(at(0), 0.99), 1] : [at(0.01), at(0.99)];
      colour = (p) => shade((values[p] - low) / (high - low || 1));
      const strip = element("canvas", { class: "scale", width: 256, height: 1, "aria-hidden": "true" });
      const context = strip.getContext("2d");
      for (let i = 0; i < 256; i++) {
        context.fillStyle = `rgb(${shade(i / 255)})`;
        context.fillRect(i, 0, 1, 1);
      }
      const written = (value) => (signed(value, by === "certainty" ? 2 : 1));
      legend.replaceChildren(element("span", {}, by === "certainty" ? "certainty" : "ELBO, nats", element("b", {}, (by === "elbo" ? "≤ " : "") + written(low)),
        strip, element("b", {}, (by === "elbo" ? "≥ " : "") + written(high))));
    }
    for (let p = 0; p < known.count; p++) scatter.colour.set(colour(p), 3 * p);
    this.filter();
  }

  // Names upon the map, in the middle of what they stand for.
  texts() {
    const { known, scatter } = this;
    const byLabel = this.colourBy === "label";
    const of = byLabel ? known.label : known.cluster;
    const name = byLabel ? (k) => known.classes[k] : (k) => this.names[k] || String(k);
    const places = new Map();
    for (let p = 0; p < known.count; p++) {
      if (!scatter.shown[p] || scatter.faint[p]) continue;
      if (!places.has(of[p])) places.set(of[p], []);
      places.get(of[p]).push(p);
    }
    const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
    scatter.texts = [...places].sort((a, b) => b[1].length - a[1].length).map(([k, points]) => ({
      text: name(k).slice(0, 24), x: middle(points.map((p) => known.x[p])), y: middle(points.map((p) => known.y[p])),
    }));
    scatter.redraw();
  }

  hover(point, left, top) {
    const hint = byId("hint");
    hint.hidden = point === null;
    if (point === null || this.hovered === point) return;
    this.hovered = point;
    const brief = this.known.brief(point);
    hint.replaceChildren(this.known.ofImages ? this.source.picture(brief.row, 44, "") : dot(this.known.colours[brief.cluster]),
      element("span", {}, `${this.clusterName(brief.cluster)}, ${percent(brief.certainty)}`, element("br"),
        brief.label ? `label ${brief.label}` : brief.id));
    const { width } = this.scatter;
    hint.style.left = left > width / 2 ? "" : `${left + 14}px`;
    hint.style.right = left > width / 2 ? `${width - left + 14}px` : "";
    hint.style.top = `${Math.max(4, top - 24)}px`;
  }

  name(k, text) {
    const given = text.trim();
    if (given === this.names[k]) return;
    this.names[k] = given;
    this.changed(`Cluster ${k} is called ${given || "by its number"}.`);
  }

  // An example is known by its part and its id, here and in what is taken away.
  key({ part, split, id }) {
    return `${part ?? split} ${id}`;
  }

  isMarked(brief) {
    return this.marks.has(this.key(brief));
  }

  mark(briefs, wrong, right) {
    for (const brief of briefs) {
      const key = this.key(brief);
      const name = (right ?? this.marks.get(key)?.name ?? "").trim();
      const { row = null, id, cluster } = brief;
      if (wrong) this.marks.set(key, { row, id, split: brief.part ?? brief.split, cluster, name });
      else this.marks.delete(key);
    }
    this.changed(`${count(briefs.length)} ${wrong ? "marked as wrong" : "no longer marked"}.`);
  }

  changed(text) {
    this.panels[this.tab].draw();
    this.paint();
    this.source.keep(this.kept);
    say(text);
  }

  // Names and marks as they are taken away, and taken back.
  get kept() {
    return {
      // A name that came with the run and was taken off is kept as none.
      names: this.names.map((name, cluster) => ({ cluster, name })).filter(({ name, cluster }) => name || this.came[cluster]),
      marked: [...this.marks.values()].map(({ id, split, cluster, name }) => ({ id, split, cluster, name })),
    };
  }

  takeBack(kept) {
    this.read(kept);
    this.changed("Names and marks are taken back.");
  }

  read(kept) {
    const { known } = this;
    const names = kept.names.map(({ cluster, name }) => [Number(cluster), String(name)]);
    const marked = (kept.marked ?? []).map(({ id, split, cluster, name }) => [String(id), String(split), Number(cluster), String(name ?? "").trim()]);
    const places = new Map(known.ids.map((id, point) => [`${known.parts[known.part[point]]} ${id}`, point]));
    for (const [k, name] of names) if (k in this.names) this.names[k] = name.trim();
    for (const [id, split, cluster, name] of marked) {
      if (!(cluster in this.names)) continue; // of another run
      const point = places.get(`${split} ${id}`);
      this.marks.set(this.key({ split, id }), { row: point === undefined ? null : known.row(point), id, split, cluster, name });
    }
  }
}

new Explorer(new Known(JSON.parse(byId("known").textContent)));
