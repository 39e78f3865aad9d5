/** Numbers as people read them. */

const PREFIXES = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
  [1e-3, "m"],
  [1e-6, "µ"],
] as const;

/** A value with a prefixed unit, and as many digits as a step needs; `largest` chooses the prefix. */
export function withUnit(value: number, unit: string, step = Math.abs(value) / 1000, largest = Math.abs(value)): string {
  const [factor, prefix] = PREFIXES.find(([least]) => largest >= least) ?? PREFIXES[3];
  const digits = Math.min(9, Math.max(0, Math.ceil(-Math.log10(step / factor || 1) - 1e-9)));
  const text = (value / factor).toFixed(digits);
  const shown = Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
  return `${shown} ${prefix}${unit}`;
}

/** Round values between two ends, about as many as wanted. */
export function ticks(low: number, high: number, wanted: number): { values: number[]; step: number; largest: number } {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough - 1e-12)!;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.max(0, Math.floor(high / step + 1e-9) - first + 1);
  const values = Array.from({ length: Math.min(count, 50) }, (_, index) => (first + index) * step);
  return { values, step, largest: Math.max(Math.abs(low), Math.abs(high)) };
}

export function rounded(value: number): string {
  if (value === 0) return "0";
  const digits = Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(digits);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
