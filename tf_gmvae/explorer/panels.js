// What stands beside the map about clusters, single examples and styles. `app` is the `Explorer`.

const EACH = 60; // members that are shown at a time

// Where rows have values: those of an example, and beside them what the model makes of it.
function valueTable(known, values, decoded, caption) {
  const written = ([, levels], value, exact) => {
    if (Number.isNaN(value)) return "missing";
    if (levels.length && (exact || levels.length > 2)) return levels[Math.round(value)] ?? figure(value);
    return levels.length ? `${percent(value)} ${levels[1]}` : figure(value);
  };
  const body = known.columns.map((column, i) => element("tr", {}, element("th", { scope: "row" }, column[0]),
    values && element("td", {}, written(column, values[i], true)),
    decoded && element("td", {}, written(column, decoded[i], false))));
  const rest = known.columnsInAll - known.columns.length;
  return [
    element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "column"),
        values && element("th", { scope: "col" }, "value"), decoded && element("th", { scope: "col" }, "decoded"))),
      element("tbody", {}, body))),
    rest > 0 ? element("p", { class: "soft" }, `The first ${known.columns.length} of ${count(known.columnsInAll)} columns.`) : null,
  ];
}

// Examples as buttons: pictures of images, ids of rows.
function examplesOf(app, briefs) {
  const { known } = app;
  const label = (brief) => `Example ${brief.id}, ${app.clusterName(brief.cluster)}, certainty ${percent(brief.certainty)}`
    + (brief.label ? `, label ${brief.label}` : "") + (app.isMarked(brief) ? ", marked as wrong" : "");
  return element("div", { class: known.ofImages ? "pictures" : "rows" }, briefs.map((brief) => button("", () => app.open(brief.row), {
    "aria-label": label(brief), title: label(brief), class: app.isMarked(brief) ? "marked" : null, "data-row": brief.row,
  })).map((made, i) => {
    if (known.ofImages) made.append(app.source.picture(briefs[i].row, 44, ""));
    else made.append(dot(known.colours[briefs[i].cluster]), `${briefs[i].id}  ·  ${percent(briefs[i].certainty)}`);
    return made;
  }));
}

function labelBars(contents, colour) {
  const shown = contents.slice(0, 6);
  return element("div", { class: "bars" }, shown.flatMap(([name, share]) => [
    element("span", { class: "what", title: name }, element("span", {}, name)), bar(share, colour), element("span", {}, percent(share)),
  ]));
}

class ClustersPanel {
  constructor(app) {
    this.app = app;
    this.root = element("div");
  }

  draw() {
    fill(this.root, ...(this.app.cluster === null ? this.list() : this.card(this.app.cluster)));
  }

  list() {
    const { app } = this;
    const { known } = app;
    const total = known.cards.reduce((sum, card) => sum + card.count, 0);
    const order = known.cards.map((_, k) => k).sort((a, b) => known.cards[b].count - known.cards[a].count || a - b);
    const slider = (name, text) => {
      const output = element("output", { for: `certainty-${name}` }, app[name].toFixed(2));
      const input = element("input", { type: "range", id: `certainty-${name}`, min: "0", max: "1", step: "0.01", oninput: () => {
        app[name] = Number(input.value);
        output.textContent = app[name].toFixed(2);
        app.filter();
      } });
      input.value = app[name];
      return [element("label", { for: `certainty-${name}` }, text), input, output];
    };
    const box = (k) => {
      const input = element("input", { type: "checkbox", checked: !app.hidden.has(k), "aria-label": `Show ${app.clusterName(k)}`,
        onchange: () => { app.hidden[input.checked ? "delete" : "add"](k); app.filter(); } });
      return element("label", {}, input);
    };
    this.counted = element("p", { class: "soft", id: "counted" });
    const all = (shown) => () => {
      app.hidden = new Set(shown ? [] : order);
      app.filter();
      this.draw();
    };
    const items = order.map((k) => element("li", {}, box(k), button("", () => app.openCluster(k), { "data-cluster": k })));
    items.forEach((item, i) => {
      const k = order[i];
      const { count: size } = known.cards[k];
      item.lastChild.append(dot(known.colours[k]), element("span", { class: "name" }, app.clusterName(k)),
        element("span", { class: "number" }, size ? `${count(size)} · ${percent(size / total)}` : "empty"),
        bar(size / known.cards[order[0]].count, known.colours[k]));
    });
    app.counted(this.counted);
    return [
      element("h2", {}, "Clusters"),
      element("h3", { id: "by-certainty" }, "Show examples by certainty"),
      element("div", { class: "pair", role: "group", "aria-labelledby": "by-certainty" }, slider("low", "from"), slider("high", "to")),
      this.counted,
      element("div", { class: "row" }, button("Show all", all(true)), button("Show none", all(false)),
        button("Take those in view as a group", () => app.take(app.scatter.inView()))),
      element("h3", {}, "By size; open one for its card and its members"),
      element("ul", { class: "plainly clusters" }, items),
    ];
  }

  card(k) {
    const { app } = this;
    const { known } = app;
    const card = known.cards[k];
    const colour = known.colours[k];
    const name = element("input", { type: "text", id: "cluster-name", maxlength: "80", autocomplete: "off", placeholder: "A name for it",
      onchange: () => app.name(k, name.value), onkeydown: (event) => event.key === "Enter" && name.blur() });
    name.value = app.names[k] || "";
    const members = element("div", { class: "figures" });
    const made = [
      button("← All clusters", () => app.openCluster(null), { class: "plain" }),
      element("div", { class: "head" }, dot(colour), element("h2", { tabindex: "-1", id: "cluster-title" }, app.clusterName(k))),
      element("p", { class: "soft" }, card.count ? `${count(card.count)} examples` + (card.certainty === null ? ""
        : `, mean certainty ${card.certainty.toFixed(3)}`) : "No example is in this cluster."),
      element("h3", {}, element("label", { for: "cluster-name" }, "Its name")),
      element("div", { class: "row" }, name, button("Set", () => app.name(k, name.value))),
      element("p", { class: "soft" }, "Clusters of one name count as one once the names are taken back."),
    ];
    if (known.ofImages && card.certainty !== null) {
      made.push(element("h3", {}, known.samples ? "Mean, and what the model draws at w = 0" : "Mean"),
        element("div", { class: "pictures" }, known.means.picture(k, 72, `Mean image of cluster ${k}`),
          known.samples ? Array.from({ length: known.samples.every }, (_, i) =>
            known.samples.picture(k * known.samples.every + i, 72, `Sample ${i + 1} of cluster ${k}`)) : []));
    }
    if (card.contents.length) made.push(element("h3", {}, "Labels in it"), labelBars(card.contents, colour));
    if (card.marks.length) {
      made.push(element("h3", {}, "Stands out in"), element("dl", { class: "facts" }, card.marks.flatMap(([column, value]) => [
        element("dt", {}, column), element("dd", {}, `${value > 0 ? "+" : ""}${signed(value, 1)} deviations`)])));
    }
    made.push(element("h3", {}, "Members, the most certain first"), members);
    if (card.count) this.more(k, members, 0, []);
    return made;
  }

  async more(k, into, from, before) {
    const { app } = this;
    try {
      const { members, count: all } = await app.source.members(k, from, EACH);
      const shown = [...before, ...members];
      into.replaceChildren(examplesOf(app, shown));
      if (shown.length < all) {
        into.append(element("p", {}, button(`Show ${EACH} more of ${count(all)}`, () => this.more(k, into, shown.length, shown))));
      }
    } catch (error) {
      into.replaceChildren(app.failure(error));
    }
  }
}

class ExamplePanel {
  constructor(app) {
    this.app = app;
    this.root = element("div");
    this.search = element("input", { type: "search", id: "find", autocomplete: "off",
      onkeydown: (event) => event.key === "Enter" && this.find() });
  }

  async find() {
    const id = this.search.value.trim();
    const found = await this.app.source.find(id).catch(() => []);
    if (found.length === 1) this.app.open(found[0].row);
    else if (found.length) this.body.replaceChildren(element("p", {}, `${found.length} examples have this id:`), examplesOf(this.app, found));
    else this.body.replaceChildren(element("p", { class: "none" }, `There is no example with the id “${id}” here.`));
  }

  async draw() {
    const { app } = this;
    const { row } = app;
    this.body = element("div");
    fill(this.root, element("div", { class: "row", role: "search" },
      element("label", { for: "find", class: "soft" }, "Find id"), this.search, button("Find", () => this.find())), this.body);
    if (row === null) {
      this.body.append(element("p", { class: "none" }, "No example is chosen. Click a point on the map, or find one by its id."));
      return;
    }
    try {
      const detail = await app.source.detail(row);
      if (app.row === row) fill(this.body, this.about(detail));
    } catch (error) {
      this.body.replaceChildren(app.failure(error));
    }
  }

  about(detail) {
    const { app } = this;
    const { known } = app;
    const isMarked = app.isMarked(detail);
    const facts = [["cluster", element("span", { class: "head" }, dot(known.colours[detail.cluster]),
      button(app.clusterName(detail.cluster), () => app.openCluster(detail.cluster), { class: "plain" }))],
    ["certainty", percent(detail.certainty)]];
    if (detail.label) facts.push(["label", detail.label]);
    if (detail.elbo !== null) facts.push(["ELBO", `${signed(detail.elbo, 1)} nats`]);
    facts.push(["part", detail.part]);
    const figureOf = (caption, picture) => element("figure", {}, element("figcaption", {}, caption), picture);
    const rest = 1 - detail.posterior.reduce((sum, [, p]) => sum + p, 0);
    return [
      element("h3", {}, "Example"),
      element("div", { class: "head" }, element("h2", {}, detail.id), isMarked ? element("span", { class: "badge" }, "marked as wrong") : null),
      known.ofImages ? element("div", { class: "side-by-side" },
        figureOf("image", app.source.picture(detail.row, 128, `Example ${detail.id}`)),
        detail.decodes ? figureOf("reconstruction", app.source.reconstruction(detail.row, 128, `Reconstruction of example ${detail.id}`)) : null) : null,
      element("dl", { class: "facts" }, facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
      element("div", { class: "row" }, button(isMarked ? "Not wrong after all" : "Mark as wrong", () => app.mark([detail], !isMarked))),
      ...(known.ofImages || !detail.values ? [] : [element("h3", {}, detail.decoded ? "Its row, and what the model makes of it" : "Its row"),
        ...valueTable(known, detail.values, detail.decoded, "Values of the example")]),
      element("h3", {}, "Posterior over the clusters"),
      element("div", { class: "bars" }, detail.posterior.slice(0, 6).flatMap(([k, p]) => [
        element("span", { class: "what", title: app.clusterName(k) }, dot(known.colours[k]), element("span", {}, app.clusterName(k))),
        bar(p, known.colours[k]), element("span", {}, percent(p))])),
      rest > 0.005 ? element("p", { class: "soft" }, `${percent(rest)} on others.`) : null,
      detail.neighbours.length ? element("h3", {}, "Nearest in the latent space") : null,
      detail.neighbours.length ? examplesOf(app, detail.neighbours) : null,
    ];
  }
}

class StylesPanel {
  constructor(app) {
    this.app = app;
    this.root = element("div");
  }

  draw() {
    const { known } = this.app;
    const { planes } = known;
    if (!planes) {
      fill(this.root, element("p", { class: "none" }, "This method draws nothing new, so there is no style to move."));
      return;
    }
    const { components, places, along, across } = planes;
    if (this.component === undefined) [this.component, this.first, this.second] = [components[0], along >> 1, across >> 1];
    const chosen = element("select", { id: "style-cluster", onchange: () => { this.component = Number(chosen.value); this.show(); } },
      components.map((k) => element("option", { value: k, selected: k === this.component }, this.app.clusterName(k))));
    const slider = (name, text, size) => {
      const output = element("output", { for: `style-${name}` });
      const input = element("input", { type: "range", id: `style-${name}`, min: "0", max: String(size - 1), step: "1", oninput: () => {
        this[name] = Number(input.value);
        this.show();
      } });
      input.value = this[name];
      this[`${name}Input`] = input;
      this[`${name}Output`] = output;
      return [element("label", { for: `style-${name}` }, text), input, output];
    };
    this.shown = element("div", { class: "figures" });
    fill(this.root, 
      element("h2", {}, "Styles"),
      element("p", { class: "soft" }, "What the model draws for a cluster, moved along the directions of w in which it changes most, from "
        + `${signed(places[0], 1)} to ${signed(places[places.length - 1], 1)} deviations. A grid of ${along * across} examples of each cluster, decoded beforehand.`),
      element("h3", {}, element("label", { for: "style-cluster" }, "Cluster")), chosen,
      element("h3", {}, "Directions of w"),
      element("div", { class: "pair" }, slider("first", "first", along), across > 1 ? slider("second", "second", across) : []),
      this.shown,
    );
    this.show();
  }

  show() {
    const { known, clusterName } = this.app;
    const { components, places, along, across, pictures, values } = known.planes;
    const number = (components.indexOf(this.component) * across + this.second) * along + this.first;
    const place = (i) => signed(places[i], 2);
    const said = (name, value) => {
      this[`${name}Output`].textContent = value;
      this[`${name}Input`].setAttribute("aria-valuetext", `${value} deviations`);
    };
    said("first", place(this.first));
    if (across > 1) said("second", place(this.second));
    if (pictures) {
      const name = clusterName.call(this.app, this.component);
      const strip = Array.from({ length: along }, (_, i) => pictures.picture(number - this.first + i, 42, ""));
      this.shown.replaceChildren(element("h3", {}, "Decoded"), pictures.picture(number, 196, `${name}, drawn at this style`),
        element("h3", {}, "The row it is in"), element("div", { class: "pictures", "aria-hidden": "true" }, strip));
    } else {
      const size = known.columns.length;
      const row = Array.from(values.slice(number * size, (number + 1) * size));
      fill(this.shown, element("h3", {}, "Decoded"), ...valueTable(known, null, row, "Decoded values"));
    }
  }
}
