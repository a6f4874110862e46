// Where what is known of single examples comes from: the page itself, or the server that it came from. Both answer with
// promises, and know an example by its row: its place in the page, or among all examples of the data.

// One of many images that stand in sheets.
class Sheets {
  constructor(packed) {
    Object.assign(this, packed);
    this.read = [];
  }

  image(sheet) {
    if (!this.read[sheet]) {
      const image = new Image();
      image.src = this.sheets[sheet];
      this.read[sheet] = image.decode().then(() => image);
    }
    return this.read[sheet];
  }

  // A canvas with image `number`, about `size` pixels large, and `alt` for those who do not see it.
  picture(number, size, alt) {
    const zoom = size / Math.max(this.width, this.height);
    const made = element("canvas", { class: zoom > 1.5 ? "thumb large" : "thumb", width: this.width, height: this.height });
    if (alt) {
      made.setAttribute("role", "img");
      made.setAttribute("aria-label", alt);
    }
    made.style.width = `${Math.round(this.width * zoom)}px`;
    made.style.height = `${Math.round(this.height * zoom)}px`;
    const left = (number % this.each) % this.columns * this.width;
    const top = Math.floor((number % this.each) / this.columns) * this.height;
    this.image(Math.floor(number / this.each)).then((image) =>
      made.getContext("2d").drawImage(image, left, top, this.width, this.height, 0, 0, this.width, this.height));
    return made;
  }
}

class Known {
  constructor(known) {
    Object.assign(this, known);
    this.x = unpacked(known.x, Uint16Array);
    this.y = unpacked(known.y, Uint16Array);
    this.cluster = unpacked(known.cluster, Uint16Array);
    this.certainty = unpacked(known.certainty, Float32Array);
    this.elbo = known.elbo && unpacked(known.elbo, Float32Array);
    this.label = known.label && unpacked(known.label, Uint16Array);
    this.part = unpacked(known.part, Uint8Array);
    this.rows = known.rows && unpacked(known.rows, Uint32Array);
    this.likeliest = unpacked(known.likeliest, Uint16Array);
    this.probability = unpacked(known.probability, Uint16Array);
    this.near = unpacked(known.near, Uint32Array);
    for (const name of ["means", "samples", "pictures", "reconstructions"]) {
      if (known[name]) this[name] = new Sheets(known[name]);
    }
    if (this.planes) {
      if (this.planes.pictures) this.planes.pictures = new Sheets(this.planes.pictures);
      else this.planes.values = unpacked(this.planes.values, Float32Array);
    }
    for (const name of ["values", "decoded"]) if (known[name]) this[name] = unpacked(known[name], Float32Array);
    this.pointOf = this.rows && new Map(Array.from(this.rows, (row, point) => [row, point]));
  }

  row(point) {
    return this.rows ? this.rows[point] : point;
  }

  point(row) {
    return this.rows ? this.pointOf.get(row) : row;
  }

  // What is said of an example wherever it is shown in short.
  brief(point) {
    return {
      row: this.row(point), id: this.ids[point], part: this.parts[this.part[point]], cluster: this.cluster[point],
      certainty: this.certainty[point], elbo: this.elbo && this.elbo[point],
      label: this.label && this.classes[this.label[point]],
    };
  }

  // All that is known of a point.
  whole(point) {
    const posterior = [];
    for (let i = point * this.shown; i < (point + 1) * this.shown; i++) {
      posterior.push([this.likeliest[i], this.probability[i] / 65535]);
    }
    const each = this.near.length / this.count;
    const neighbours = Array.from(this.near.slice(point * each, (point + 1) * each), (near) => this.brief(near));
    return { ...this.brief(point), posterior, neighbours };
  }
}

class PageSource {
  constructor(known) {
    this.known = known;
  }

  async detail(row) {
    const { known } = this;
    const slice = (values) => values && Array.from(values.slice(row * known.columns.length, (row + 1) * known.columns.length));
    return {
      ...known.whole(row), values: known.ofImages ? null : slice(known.values),
      decoded: known.ofImages ? null : slice(known.decoded), decodes: Boolean(known.reconstructions),
    };
  }

  picture(row, size, alt) {
    return this.known.pictures.picture(row, size, alt);
  }

  reconstruction(row, size, alt) {
    return this.known.reconstructions.picture(row, size, alt);
  }

  async members(cluster, from, size) {
    const { known } = this;
    if (!this.byCluster) {
      this.byCluster = known.colours.map(() => []);
      known.cluster.forEach((k, point) => this.byCluster[k].push(point));
      const order = (a, b) => known.certainty[b] - known.certainty[a] || (known.elbo ? known.elbo[b] - known.elbo[a] : a - b);
      for (const points of this.byCluster) points.sort(order);
    }
    const found = this.byCluster[cluster];
    return { count: found.length, members: found.slice(from, from + size).map((point) => known.brief(point)) };
  }

  async find(id) {
    const point = this.known.ids.indexOf(id);
    return point < 0 ? [] : [this.known.brief(point)];
  }

  async keep() {}
}

class ServedSource {
  constructor(known) {
    this.known = known;
    this.revision = known.revision;
    this.sent = Promise.resolve();
  }

  async ask(path) {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`The server said ${answer.status}.`);
    return answer.json();
  }

  async detail(row) {
    const detail = await this.ask(`example/${row}`);
    for (const name of ["values", "decoded"]) detail[name] = detail[name] && detail[name].map((value) => value ?? NaN);
    return detail;
  }

  image(path, size, alt) {
    const made = element("img", { class: "thumb", src: path, alt: alt || "", width: size, loading: "lazy" });
    made.addEventListener("load", () => made.classList.toggle("large", size > 1.5 * made.naturalWidth));
    return made;
  }

  picture(row, size, alt) {
    return this.image(`picture/${row}`, size, alt);
  }

  reconstruction(row, size, alt) {
    return this.image(`reconstruction/${row}`, size, alt);
  }

  members(cluster, from, size) {
    return this.ask(`members/${cluster}?from=${from}&size=${size}`);
  }

  find(id) {
    return this.ask(`find?id=${encodeURIComponent(id)}`);
  }

  // Of several changes at once the last is sent, and none before the answer to the one before it.
  keep(kept) {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      this.sent = this.sent.then(() => this.put(kept)).catch(() => say("Not kept: the server has ended."));
    }, 300);
  }

  // What another page has kept since this one was loaded is not written over.
  async put(kept) {
    const headers = { "Content-Type": "application/json", "If-Match": this.revision };
    const answer = await fetch("kept", { method: "PUT", headers, body: JSON.stringify(kept) });
    if (answer.ok) this.revision = (await answer.json()).revision;
    say(answer.ok ? "Kept in the folder of the run." : `Not kept: ${await answer.text()}`);
  }
}
