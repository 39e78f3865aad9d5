/** The example and the settings in the address, so that a link shows the same. */

export interface Settings {
  readonly example: string | null;
  readonly threshold: number;
  readonly style: "outline" | "fill" | "none";
  readonly opacity: number;
  /** Micrometres per pixel; null if unknown. */
  readonly um: number | null;
  readonly scale: number;
}

export const DEFAULTS: Settings = { example: null, threshold: 0.5, style: "outline", opacity: 0.9, um: null, scale: 1 };

/** Settings in an address's part behind #; what is no setting, or out of range, is ignored. */
export function readHash(hash: string): Settings {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const number = (key: string, low: number, high: number): number | null => {
    const text = values.get(key);
    const value = Number(text);
    return text !== null && text !== "" && value >= low && value <= high ? value : null;
  };
  const style = values.get("style");
  return {
    example: values.get("example"),
    threshold: number("threshold", 0.05, 0.95) ?? DEFAULTS.threshold,
    style: style === "fill" || style === "none" ? style : DEFAULTS.style,
    opacity: number("opacity", 0.1, 1) ?? DEFAULTS.opacity,
    um: number("um", 1e-6, 1e6),
    scale: number("scale", 0.1, 4) ?? DEFAULTS.scale,
  };
}

/** The part behind #, with what differs from the defaults. */
export function writeHash(settings: Settings): string {
  const values = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS) as (keyof Settings)[]) {
    const value = settings[key];
    if (value !== null && value !== DEFAULTS[key]) values.set(key, String(value));
  }
  return values.size ? `#${values}` : "";
}
