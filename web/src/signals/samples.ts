/** How raw samples are stored. */
export interface RawFormat {
  readonly datatype: string;
  readonly sampleRateHz: number;
  readonly centerHz: number;
}
