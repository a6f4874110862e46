// What stands beside the map about groups, and what a person takes away: names, and examples marked as wrong.

const LISTED = 30; // marks that are listed one by one

class GroupPanel {
  constructor(app) {
    this.app = app;
    this.root = element("div");
    this.more = EACH;
  }

  draw() {
    const { app } = this;
    const { known, group } = app;
    if (!group.length) {
      fill(this.root, element("p", { class: "none" },
        "No group is chosen. Choose “draw a lasso” on the map and draw around some points, or, with the keyboard, move the map and ",
        "take those in view."), button("Take those in view as a group", () => app.take(app.scatter.inView())));
      return;
    }
    const briefs = group.map((point) => known.brief(point));
    const sizes = new Map();
    for (const { cluster } of briefs) sizes.set(cluster, (sizes.get(cluster) || 0) + 1);
    const most = [...sizes].sort((a, b) => b[1] - a[1]).slice(0, 8);
    const marked = briefs.filter((brief) => app.isMarked(brief)).length;
    const right = element("input", { type: "text", id: "group-right", maxlength: "80", autocomplete: "off", list: "all-names",
      placeholder: "may stay empty" });
    fill(this.root,
      element("h2", { id: "group-title", tabindex: "-1" }, `${count(group.length)} example${group.length === 1 ? "" : "s"}`),
      marked ? element("p", {}, element("span", { class: "badge" }, `${count(marked)} marked as wrong`)) : null,
      element("h3", {}, "Clusters in it"),
      element("div", { class: "bars" }, most.flatMap(([k, size]) => [
        element("span", { class: "what", title: app.clusterName(k) }, dot(known.colours[k]), element("span", {}, app.clusterName(k))),
        bar(size / group.length, known.colours[k]), element("span", {}, count(size))])),
      element("h3", {}, element("label", { for: "group-right" }, "What they should be called")),
      element("div", { class: "row" }, right, button("Mark as wrong", () => app.mark(briefs, true, right.value), { class: "main" })),
      element("div", { class: "row" }, button("Not wrong after all", () => app.mark(briefs, false), { disabled: !marked }),
        button("Let go", () => app.take([]))),
      element("h3", {}, "Examples, the least certain first"),
      examplesOf(app, [...briefs].sort((a, b) => a.certainty - b.certainty).slice(0, this.more)),
      group.length > this.more ? element("p", {}, button(`Show ${EACH} more`, () => {
        this.more += EACH;
        this.draw();
      })) : null,
      element("datalist", { id: "all-names" }, [...new Set(app.names.filter(Boolean))].map((name) => element("option", { value: name }))),
    );
  }
}

class KeepPanel {
  constructor(app) {
    this.app = app;
    this.root = element("div");
  }

  get stem() {
    return this.app.known.name.replace(/[^\w.-]+/g, "-") || "run";
  }

  draw() {
    const { app } = this;
    const { kept, marks } = app;
    const named = kept.names.length;
    const guides = this.guides();
    const file = (text, name, write, disabled) => button(text, () => takeAway(`${this.stem}-${name}`, write(), name.endsWith("json")
      ? "application/json" : "text/csv"), { disabled, "data-file": name });
    const read = element("input", { type: "file", id: "take-back", accept: ".json,application/json", onchange: () => this.take(read) });
    fill(this.root,
      element("h2", {}, "Take away"),
      element("p", { class: "soft" }, app.known.live
        ? "Names and marks are kept in explorer.json in the folder of the run as you go."
        : "Names and marks live in this page until it is closed: take them along before."),
      element("h3", {}, `Names: ${named} of ${app.known.colours.length} clusters`),
      element("div", { class: "row" }, file("Names, CSV", "names.csv", () => this.names(), !named)),
      element("p", { class: "soft" }, "For ", element("code", {}, "--names="), " of train.evaluate and train.main."),
      element("h3", {}, `Marked as wrong: ${count(marks.size)}`),
      element("div", { class: "row" }, file("Marked, CSV", "marked.csv", () => this.marked(), !marks.size),
        file("Guide, CSV", "guide.csv", () => this.guide(guides), !guides.length)),
      element("p", { class: "soft" }, `The first has every mark, by its id. The second has the ${count(guides.length)} of the training part `
        + "that were given a name, for ", element("code", {}, "--guide_labels="), " of train.main."),
      element("h3", {}, "All of it"),
      element("div", { class: "row" }, file("Names and marks, JSON", "explorer.json", () => `${JSON.stringify(kept, null, 2)}\n`, !named && !marks.size)),
      element("p", { class: "soft" }, "For ", element("code", {}, "--names="), " as well, and to go on here:"),
      element("div", { class: "row" }, element("label", { for: "take-back", class: "soft" }, "Take back"), read),
      marks.size ? element("h3", {}, "Marks") : null,
      element("div", { class: "marks" }, [...marks.values()].slice(0, LISTED).map((mark) => this.line(mark))),
      marks.size > LISTED ? element("p", { class: "soft" }, `The first ${LISTED}.`) : null,
    );
  }

  line(mark) {
    const { app } = this;
    const right = element("input", { type: "text", maxlength: "80", autocomplete: "off", "aria-label": `What ${mark.id} should be called`,
      placeholder: "should be …", onchange: () => app.mark([mark], true, right.value) });
    right.value = mark.name;
    return element("div", {}, mark.row === null ? element("span", {}, mark.id)
      : button(mark.id, () => app.open(mark.row), { class: "plain" }), right,
    button("×", () => app.mark([mark], false), { "aria-label": `${mark.id} is not wrong after all` }));
  }

  names() {
    return csv(["cluster", "name"], this.app.kept.names.map(({ cluster, name }) => [cluster, name]));
  }

  marked() {
    const header = ["id", "split", "cluster", "name"];
    return csv(header, this.app.kept.marked.map((mark) => header.map((key) => mark[key])));
  }

  guides() {
    return this.app.kept.marked.filter(({ split, name }) => split === "train" && name);
  }

  guide(guides) {
    return csv(["id", "name"], guides.map(({ id, name }) => [id, name]));
  }

  async take(input) {
    try {
      this.app.takeBack(JSON.parse(await input.files[0].text()));
      say("Names and marks are taken back.");
    } catch {
      say("This file holds no names and marks of an explorer.");
      input.setCustomValidity("This file holds no names and marks of an explorer.");
      input.reportValidity();
    }
  }
}
