/** The elements of the page by their ids, with their types. */

const TYPES = {
  stage: HTMLElement, canvas: HTMLCanvasElement, empty: HTMLElement, examples: HTMLElement, tools: HTMLElement,
  "zoom-in": HTMLButtonElement, "zoom-out": HTMLButtonElement, "zoom-fit": HTMLButtonElement, readout: HTMLElement,
  working: HTMLElement, "working-text": HTMLElement, progress: HTMLProgressElement, cancel: HTMLButtonElement,
  error: HTMLElement, "file-name": HTMLElement, file: HTMLInputElement, another: HTMLButtonElement,
  format: HTMLFormElement, datatype: HTMLSelectElement, rate: HTMLInputElement, centre: HTMLInputElement,
  view: HTMLElement, "threshold-field": HTMLElement, threshold: HTMLInputElement, "threshold-text": HTMLElement,
  opacity: HTMLInputElement, "opacity-text": HTMLElement, "image-fields": HTMLElement, um: HTMLInputElement,
  scale: HTMLInputElement, result: HTMLElement, numbers: HTMLElement, histogram: HTMLElement, downloads: HTMLElement,
  share: HTMLButtonElement, made: HTMLElement, list: HTMLElement, "table-title": HTMLElement,
  table: HTMLTableElement, pages: HTMLElement, status: HTMLElement,
} as const;

type Types = typeof TYPES;

export function element<K extends keyof Types>(id: K): InstanceType<Types[K]> {
  const found = document.getElementById(id);
  if (!(found instanceof TYPES[id])) throw new Error(`The page has no ${id}.`);
  return found as InstanceType<Types[K]>;
}
