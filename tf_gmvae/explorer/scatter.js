// The map: points of the plane on a canvas, moved and zoomed by pointer, fingers or keys.

const NEAR = 12; // pixels from a point within which it is meant

class Scatter {
  // Events: point(point or null), lasso(points), hover(point or null, left, top).
  constructor(canvas, known, events) {
    Object.assign(this, { canvas, known, events, lassoing: false, current: null, texts: [], path: [] });
    this.context = canvas.getContext("2d");
    this.colour = new Uint8Array(3 * known.count);
    this.shown = new Uint8Array(known.count).fill(1);
    this.faint = new Uint8Array(known.count);
    this.pointers = new Map();
    this.listen();
    this.fit();
  }

  listen() {
    const { canvas } = this;
    new ResizeObserver(() => {
      this.resize();
      if (!this.moved) this.fit();
      else this.redraw();
    }).observe(canvas);
    this.resize();
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.release(event));
    canvas.addEventListener("pointerleave", () => this.events.hover(null));
    canvas.addEventListener("dblclick", (event) => this.zoom(2, event.offsetX, event.offsetY));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  resize() {
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.max(1, Math.round(this.width * this.ratio));
    this.canvas.height = Math.max(1, Math.round(this.height * this.ratio));
  }

  fit() {
    const { x, y } = this.known;
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let p = 0; p < x.length; p++) {
      left = Math.min(left, x[p]);
      right = Math.max(right, x[p]);
      bottom = Math.min(bottom, y[p]);
      top = Math.max(top, y[p]);
    }
    [this.x, this.y] = [(left + right) / 2, (bottom + top) / 2];
    // No point lies under the buttons at the right or the choice at the top.
    const [wide, high] = [Math.max(40, this.width - 88), Math.max(40, this.height - 84)];
    this.whole = Math.min(wide / (right - left || 1), high / (top - bottom || 1));
    this.scale = this.whole;
    this.x += 24 / this.scale;
    this.y += 20 / this.scale;
    this.moved = false;
    this.redraw();
  }

  zoom(factor, left = this.width / 2, top = this.height / 2) {
    const scale = Math.max(this.whole / 2, Math.min(this.whole * 200, this.scale * factor));
    // What is under the pointer stays there.
    this.x += (left - this.width / 2) * (1 / this.scale - 1 / scale);
    this.y -= (top - this.height / 2) * (1 / this.scale - 1 / scale);
    this.scale = scale;
    this.moved = true;
    this.redraw();
  }

  shift(right, down) {
    this.x -= right / this.scale;
    this.y += down / this.scale;
    this.moved = true;
    this.redraw();
  }

  left(point) {
    return (this.known.x[point] - this.x) * this.scale + this.width / 2;
  }

  top(point) {
    return (this.y - this.known.y[point]) * this.scale + this.height / 2;
  }

  at(left, top) {
    let [best, distance] = [null, NEAR * NEAR];
    for (let p = 0; p < this.known.count; p++) {
      if (!this.shown[p]) continue;
      const d = (this.left(p) - left) ** 2 + (this.top(p) - top) ** 2;
      if (d < distance) [best, distance] = [p, d];
    }
    return best;
  }

  // Points that are shown within the view: what those who draw no line with a pointer take as a group.
  inView() {
    const inside = (p) => this.left(p) >= 0 && this.left(p) <= this.width && this.top(p) >= 0 && this.top(p) <= this.height;
    return Array.from(this.known.x.keys()).filter((p) => this.shown[p] && inside(p));
  }

  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.start = [event.offsetX, event.offsetY];
    this.dragged = this.pointers.size > 1;
    this.path = this.lassoing && this.pointers.size === 1 ? [this.start] : [];
    this.events.hover(null);
  }

  move(event) {
    const here = [event.offsetX, event.offsetY];
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      const point = this.at(...here);
      this.events.hover(point, ...here);
      return;
    }
    if (Math.hypot(here[0] - this.start[0], here[1] - this.start[1]) > 4) this.dragged = true;
    this.pointers.set(event.pointerId, here);
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const far = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
      this.zoom(far(here) / far(before), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
      this.shift((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    } else if (this.path.length) {
      this.path.push(here);
      this.redraw();
    } else if (this.dragged) {
      this.shift(here[0] - before[0], here[1] - before[1]);
    }
  }

  release(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const path = this.path;
    this.path = [];
    if (event.type === "pointerup" && !this.dragged) this.events.point(this.at(event.offsetX, event.offsetY));
    else if (event.type === "pointerup" && path.length > 2) this.events.lasso(this.within(path));
    this.redraw();
  }

  // Points that are shown and lie within a closed line, which a ray from them crosses an odd number of times.
  within(path) {
    const found = [];
    for (let p = 0; p < this.known.count; p++) {
      if (!this.shown[p]) continue;
      const [left, top] = [this.left(p), this.top(p)];
      let inside = false;
      for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
        const [[x1, y1], [x2, y2]] = [path[i], path[j]];
        if (y1 > top !== y2 > top && left < ((x2 - x1) * (top - y1)) / (y2 - y1) + x1) inside = !inside;
      }
      if (inside) found.push(p);
    }
    return found;
  }

  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (way && event.shiftKey) this.shift(-60 * way[0], -60 * way[1]);
    else if (way) this.step(way);
    else if (event.key === "+" || event.key === "=") this.zoom(1.4);
    else if (event.key === "-") this.zoom(1 / 1.4);
    else if (event.key === "0") this.fit();
    else if (event.key === "Escape") this.events.point(null);
    else return;
    event.preventDefault();
  }

  // To the nearest point in a direction, or to that in the middle of the view where there is none to start from.
  step([right, down]) {
    const from = this.current;
    const [left, top] = from === null ? [this.width / 2, this.height / 2] : [this.left(from), this.top(from)];
    let [best, least] = [null, Infinity];
    for (let p = 0; p < this.known.count; p++) {
      if (!this.shown[p] || p === from) continue;
      const [x, y] = [this.left(p) - left, this.top(p) - top];
      const [ahead, aside] = [x * right + y * down, Math.abs(x * down - y * right)];
      if (from !== null && (ahead <= 0.5 || aside > 2 * ahead)) continue;
      const cost = from === null ? x * x + y * y : ahead + 2 * aside;
      if (cost < least) [best, least] = [p, cost];
    }
    if (best === null) return;
    this.events.point(best);
    const [x, y] = [this.left(best), this.top(best)];
    if (x < 20 || y < 20 || x > this.width - 20 || y > this.height - 20) this.shift(this.width / 2 - x, this.height / 2 - y);
  }

  redraw() {
    if (this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.draw();
    });
  }

  get radius() {
    const some = Math.max(1.7, Math.min(5.5, 9 - 1.65 * Math.log10(this.known.count)));
    return some * Math.min(2.6, Math.max(0.8, (this.scale / this.whole) ** 0.4));
  }

  draw() {
    const { context, canvas, ratio } = this;
    const style = getComputedStyle(document.documentElement);
    const ink = (name) => style.getPropertyValue(name).trim();
    context.setTransform(1, 0, 0, 1, 0, 0);
    const image = context.createImageData(canvas.width, canvas.height);
    new Uint32Array(image.data.buffer).fill(new Uint32Array(Uint8Array.of(...rgb(ink("--card")), 255).buffer)[0]);
    const disc = discOf(this.radius * ratio);
    this.spread(image, disc, 1, 0.16);
    this.spread(image, disc, 0, 0.86);
    context.putImageData(image, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.rings(ink("--text"), ink("--card"));
    this.write(ink("--text"), ink("--card"));
    if (this.path.length > 1) {
      context.beginPath();
      for (const place of this.path) context.lineTo(...place);
      context.closePath();
      context.globalAlpha = 0.12;
      context.fillStyle = context.strokeStyle = ink("--accent");
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = 2;
      context.stroke();
    }
  }

  // Blends discs into the pixels, all faint ones or all others: quicker than 20,000 paths.
  spread({ data, width, height }, disc, faint, opacity) {
    for (let p = 0; p < this.known.count; p++) {
      if (!this.shown[p] || this.faint[p] !== faint) continue;
      const [x, y] = [Math.round(this.left(p) * this.ratio), Math.round(this.top(p) * this.ratio)];
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      for (let i = 0; i < disc.length; i += 3) {
        const [column, row] = [x + disc[i], y + disc[i + 1]];
        if (column < 0 || row < 0 || column >= width || row >= height) continue;
        const [to, share] = [4 * (row * width + column), disc[i + 2] * opacity];
        for (let c = 0; c < 3; c++) data[to + c] += share * (this.colour[3 * p + c] - data[to + c]);
      }
    }
  }

  rings(dark, light) {
    const around = (p, radius, width, colour) => {
      const { context } = this;
      context.beginPath();
      context.arc(this.left(p), this.top(p), radius, 0, 7);
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    };
    if (this.current === null) return;
    around(this.current, this.radius + 4, 5, light);
    around(this.current, this.radius + 4, 2.5, dark);
  }

  // Names upon the map, the first where two would overlap.
  write(dark, light) {
    const { context } = this;
    const taken = [];
    context.font = "600 13px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const { x, y, text } of this.texts) {
      const [left, top] = [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2];
      const half = context.measureText(text).width / 2 + 4;
      if (taken.some(([l, t, h]) => Math.abs(l - left) < h + half && Math.abs(t - top) < 18)) continue;
      taken.push([left, top, half]);
      context.lineWidth = 4;
      context.strokeStyle = light;
      context.strokeText(text, left, top);
      context.fillStyle = dark;
      context.fillText(text, left, top);
    }
  }
}

// A disc as offsets of pixels and how much of each it covers.
function discOf(radius) {
  const found = [];
  const reach = Math.ceil(radius + 0.5);
  for (let row = -reach; row <= reach; row++) {
    for (let column = -reach; column <= reach; column++) {
      const covered = Math.min(1, radius + 0.5 - Math.hypot(column, row));
      if (covered > 0) found.push(column, row, covered);
    }
  }
  return found;
}
