import { PageError } from "../image/pixels.ts";
import type { RawFormat } from "../signals/samples.ts";
import type { Tell } from "./imageJob.ts";
import type { NamedFile } from "./messages.ts";

export class FormatNeeded extends PageError {}
export async function searchFiles(_files: readonly NamedFile[], _raw: RawFormat | null, _base: string, _tell: Tell): Promise<void> {
  throw new PageError("This is neither PNG, JPEG nor TIFF. Save it as one of these.");
}
