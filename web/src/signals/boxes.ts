/** The extent of a signal in time and frequency. */
export interface SignalBox {
  readonly startSample: number;
  readonly stopSample: number;
  readonly lowHz: number;
  readonly highHz: number;
  readonly label: string;
  readonly snrDb: number;
  readonly confidence: number;
  /** Its place in the spectrogram. */
  readonly leftPx: number;
  readonly topPx: number;
  readonly rightPx: number;
  readonly bottomPx: number;
}
