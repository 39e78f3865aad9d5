/** A canvas with zoom and pan by wheel, drag, pinch and keys. What it shows is painted by layers. */

export interface View {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
  /** The canvas in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

export type Painter = (context: CanvasRenderingContext2D, view: View) => void;

interface Insets {
  readonly left: number;
  readonly bottom: number;
  readonly top: number;
  readonly right: number;
}

const MOST_SCALE = 40;
const KEY_STEP_PX = 60;
const CLICK_PX = 5;

export class Viewer {
  onPoint: (x: number, y: number) => void = () => undefined;
  onLeave: () => void = () => undefined;
  onSelect: (x: number, y: number) => void = () => undefined;
  private painters: readonly Painter[] = [];
  private width = 0;
  private height = 0;
  private isStretched = false;
  private insets: Insets = { left: 0, bottom: 0, top: 0, right: 0 };
  private scaleX = 1;
  private scaleY = 1;
  private left = 0;
  private top = 0;
  private isFitted = true;
  private isAsked = false;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private moved = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    new ResizeObserver(() => (this.isFitted ? this.fit() : this.repaint())).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.onLeave());
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** A new picture; a stretched one fills the canvas whatever its proportions are. */
  show(width: number, height: number, isStretched: boolean, painters: readonly Painter[]): void {
    [this.width, this.height, this.isStretched, this.painters] = [width, height, isStretched, painters];
    this.insets = isStretched ? { left: 64, bottom: 40, top: 14, right: 70 } : { left: 0, bottom: 0, top: 0, right: 0 };
    this.fit();
  }

  fit(): void {
    this.isFitted = true;
    const { left, right, top, bottom } = this.insets;
    const [free, tall] = [this.canvas.clientWidth - left - right, this.canvas.clientHeight - top - bottom];
    if (!this.width || free <= 0 || tall <= 0) return this.repaint();
    this.scaleX = free / this.width;
    this.scaleY = tall / this.height;
    if (!this.isStretched) this.scaleX = this.scaleY = Math.min(this.scaleX, this.scaleY);
    this.left = left + (free - this.width * this.scaleX) / 2;
    this.top = top + (tall - this.height * this.scaleY) / 2;
    this.repaint();
  }

  zoom(factor: number, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2): void {
    const least = Math.min(this.canvas.clientWidth / this.width, this.canvas.clientHeight / this.height) / 2;
    const wanted = Math.min(Math.max(this.scaleX * factor, Math.min(least, this.scaleX)), Math.max(MOST_SCALE, this.scaleX));
    const used = wanted / this.scaleX;
    this.left = x - (x - this.left) * used;
    this.top = y - (y - this.top) * used;
    this.scaleX *= used;
    this.scaleY *= used;
    this.isFitted = false;
    this.repaint();
  }

  /** Moves a box of the picture into sight, closer if it is tiny. */
  reveal(left: number, top: number, right: number, bottom: number): void {
    const { clientWidth, clientHeight } = this.canvas;
    const isTiny = Math.max((right - left) * this.scaleX, (bottom - top) * this.scaleY) < 24;
    if (isTiny && !this.isStretched) this.zoom(48 / Math.max((right - left) * this.scaleX, (bottom - top) * this.scaleY));
    const [x, y] = [((left + right) / 2) * this.scaleX, ((top + bottom) / 2) * this.scaleY];
    const isInside = x + this.left > 30 && x + this.left < clientWidth - 30 && y + this.top > 30 && y + this.top < clientHeight - 30;
    if (!isInside) {
      this.left = clientWidth / 2 - x;
      this.top = clientHeight / 2 - y;
      this.isFitted = false;
    }
    this.repaint();
  }

  repaint(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.paint();
    });
  }

  private paint(): void {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const { scaleX, scaleY, left, top } = this;
    const view = { scaleX, scaleY, left, top, width: canvas.clientWidth, height: canvas.clientHeight };
    for (const painter of this.painters) {
      context.save();
      painter(context, view);
      context.restore();
    }
  }

  private at(x: number, y: number): [number, number] {
    return [(x - this.left) / this.scaleX, (y - this.top) / this.scaleY];
  }

  private wheel(event: WheelEvent): void {
    if (!this.width) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * 0.0016), event.offsetX, event.offsetY);
  }

  private down(event: PointerEvent): void {
    if (!this.width) return;
    this.canvas.setPointerCapture(event.pointerId);
    if (!this.pointers.size) this.moved = 0;
    this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  }

  private move(event: PointerEvent): void {
    if (!this.width) return;
    const [x, y] = this.at(event.offsetX, event.offsetY);
    this.onPoint(x, y);
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const here = { x: event.offsetX, y: event.offsetY };
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (one: { x: number; y: number }): number => Math.hypot(one.x - other.x, one.y - other.y);
      this.zoom(apart(here) / Math.max(1, apart(before)), (here.x + other.x) / 2, (here.y + other.y) / 2);
      this.moved = Infinity;
    } else {
      this.moved += Math.hypot(here.x - before.x, here.y - before.y);
      if (this.moved > CLICK_PX) this.shift(here.x - before.x, here.y - before.y);
    }
    this.pointers.set(event.pointerId, here);
  }

  private up(event: PointerEvent): void {
    if (this.pointers.delete(event.pointerId) && this.moved <= CLICK_PX) {
      this.onSelect(...this.at(event.offsetX, event.offsetY));
    }
  }

  private shift(x: number, y: number): void {
    this.left += x;
    this.top += y;
    this.isFitted = false;
    this.repaint();
  }

  private key(event: KeyboardEvent): void {
    const actions: Readonly<Record<string, () => void>> = {
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
      "0": () => this.fit(),
      ArrowLeft: () => this.shift(KEY_STEP_PX, 0),
      ArrowRight: () => this.shift(-KEY_STEP_PX, 0),
      ArrowUp: () => this.shift(0, KEY_STEP_PX),
      ArrowDown: () => this.shift(0, -KEY_STEP_PX),
      Enter: () => this.onSelect(...this.at(this.canvas.clientWidth / 2, this.canvas.clientHeight / 2)),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (!action || !this.width) return;
    event.preventDefault();
    action();
  }
}
