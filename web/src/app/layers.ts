/** What the canvas shows: the picture, what is found in it, and the axes of a spectrogram. */

import type { ImageObject } from "../inference/objects.ts";
import type { SignalBox } from "../signals/boxes.ts";
import type { Axes } from "./messages.ts";
import { ticks, withUnit } from "./numbers.ts";
import type { Painter, View } from "./viewer.ts";

export const MARK = "#12dcbd";
const SELECTED = "#ffffff";
const EDGE = "rgba(0, 0, 0, 0.75)";
/** A dark line under the bright one: seen on white tissue and on black sky. */
const LINES = [
  ["rgba(0, 38, 33, 0.6)", 3.6],
  [MARK, 1.8],
] as const;

function place(context: CanvasRenderingContext2D, view: View): void {
  context.translate(view.left, view.top);
  context.scale(view.scaleX, view.scaleY);
}

export function picture(source: HTMLCanvasElement): Painter {
  return (context, view) => {
    place(context, view);
    context.imageSmoothingEnabled = view.scaleX < 2;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0);
  };
}

/** Tiles that are done, on a canvas as large as the network's image, stretched over the picture. */
export function patches(source: () => HTMLCanvasElement | null, width: number, height: number): Painter {
  return (context, view) => {
    const tiles = source();
    if (!tiles) return;
    place(context, view);
    context.drawImage(tiles, 0, 0, width, height);
  };
}

export interface Marks {
  readonly style: "outline" | "fill" | "none";
  readonly opacity: number;
  readonly selected: number | null;
}

/** The outlines of all objects as one path. */
export function pathOf(objects: readonly ImageObject[]): Path2D {
  const path = new Path2D();
  for (const { rings } of objects) for (const ring of rings) addRing(path, ring);
  return path;
}

function addRing(path: Path2D, ring: Int32Array): void {
  path.moveTo(ring[0], ring[1]);
  for (let at = 2; at < ring.length; at += 2) path.lineTo(ring[at], ring[at + 1]);
  path.closePath();
}

export function objectMarks(objects: () => readonly ImageObject[], path: () => Path2D | null, marks: () => Marks): Painter {
  return (context, view) => {
    const whole = path();
    if (!whole) return;
    const { style, opacity, selected } = marks();
    place(context, view);
    context.lineJoin = "round";
    context.globalAlpha = opacity;
    if (style === "fill") {
      context.fillStyle = MARK;
      context.globalAlpha = opacity * 0.55;
      context.fill(whole, "evenodd");
      context.globalAlpha = opacity;
    }
    if (style !== "none") {
      for (const [colour, width] of LINES) {
        context.strokeStyle = colour;
        context.lineWidth = width / view.scaleX;
        context.stroke(whole);
      }
    }
    const one = selected === null ? undefined : objects()[selected - 1];
    if (!one) return;
    context.globalAlpha = 1;
    strokeTwice(context, pathOf([one]), view.scaleX);
  };
}

function strokeTwice(context: CanvasRenderingContext2D, path: Path2D, scale: number): void {
  for (const [colour, width] of [[EDGE, 5], [SELECTED, 2.5]] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width / scale;
    context.stroke(path);
  }
}

export function boxMarks(boxes: () => readonly SignalBox[], marks: () => Marks): Painter {
  return (context, view) => {
    const { style, opacity, selected } = marks();
    boxes().forEach((box, index) => {
      const isSelected = selected === index + 1;
      if (style === "none" && !isSelected) return;
      const [x, y] = [view.left + box.leftPx * view.scaleX, view.top + box.topPx * view.scaleY];
      const [width, height] = [(box.rightPx - box.leftPx) * view.scaleX, (box.bottomPx - box.topPx) * view.scaleY];
      context.globalAlpha = isSelected ? 1 : opacity;
      if (style === "fill") {
        context.fillStyle = MARK;
        context.globalAlpha = opacity * 0.3;
        context.fillRect(x, y, width, height);
        context.globalAlpha = isSelected ? 1 : opacity;
      }
      const lines = isSelected ? ([[EDGE, 5], [SELECTED, 2.5]] as const) : LINES;
      for (const [colour, line] of lines) {
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.strokeRect(x - 1, y - 1, width + 2, height + 2);
      }
    });
  };
}

/** Time along the left side, frequency along the lower one. */
export function axisLabels(axes: Axes, width: number, height: number, colours: () => { ink: string; ground: string }): Painter {
  return (context, view) => {
    const { ink, ground } = colours();
    const [left, bottom] = [64, view.height - 40];
    context.fillStyle = ground;
    context.fillRect(0, 0, left, view.height);
    context.fillRect(0, bottom, view.width, 40);
    context.fillStyle = context.strokeStyle = ink;
    context.font = "12px system-ui, sans-serif";
    context.lineWidth = 1;
    const hzAt = (x: number): number => axes.lowHz + (((x - view.left) / view.scaleX) / width) * (axes.highHz - axes.lowHz);
    const secondsAt = (y: number): number => axes.startS + (((y - view.top) / view.scaleY) / height) * (axes.stopS - axes.startS);
    const across = [Math.max(left, view.left), Math.min(view.width, view.left + width * view.scaleX)] as const;
    const down = [Math.max(0, view.top), Math.min(bottom, view.top + height * view.scaleY)] as const;
    context.textAlign = "center";
    const hz = ticks(hzAt(across[0]), hzAt(across[1]), Math.max(2, (across[1] - across[0]) / 110));
    for (const value of hz.values) {
      const x = view.left + ((value - axes.lowHz) / (axes.highHz - axes.lowHz)) * width * view.scaleX;
      context.fillRect(x, bottom, 1, 5);
      context.fillText(withUnit(value, "Hz", hz.step, hz.largest), x, bottom + 19);
    }
    context.textAlign = "right";
    const seconds = ticks(secondsAt(down[0]), secondsAt(down[1]), Math.max(2, (down[1] - down[0]) / 60));
    for (const value of seconds.values) {
      const y = view.top + ((value - axes.startS) / (axes.stopS - axes.startS)) * height * view.scaleY;
      context.fillRect(left - 5, y, 5, 1);
      context.fillText(withUnit(value, "s", seconds.step, seconds.largest), left - 9, y + 4);
    }
  };
}
