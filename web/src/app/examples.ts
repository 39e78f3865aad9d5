/** The examples that the build made with `lmsc data nuclei` and `lmsc scenes`. */

import type { NamedFile } from "./messages.ts";
import { PageError } from "../image/pixels.ts";

export interface Example {
  readonly id: string;
  readonly title: string;
  readonly files: readonly string[];
  readonly thumbnail: string;
}

export async function listExamples(): Promise<readonly Example[]> {
  const response = await fetch("./examples/examples.json").catch(() => null);
  return response?.ok ? ((await response.json()) as Example[]) : [];
}

export async function fetchExample(example: Example): Promise<NamedFile[]> {
  return Promise.all(
    example.files.map(async (name) => {
      const response = await fetch(`./examples/${name}`).catch(() => null);
      if (!response?.ok) throw new PageError(`The example ${name} cannot be fetched. Check the connection and try again.`);
      return { name, bytes: new Uint8Array(await response.arrayBuffer()) };
    }),
  );
}

export function exampleButton(example: Example, onClick: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "example";
  const image = document.createElement("img");
  image.src = `./examples/${example.thumbnail}`;
  image.alt = "";
  const title = document.createElement("span");
  title.textContent = example.title;
  button.append(image, title);
  button.addEventListener("click", onClick);
  return button;
}
