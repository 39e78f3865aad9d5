/** Replaced by the build: changes with the content of the page. */
declare const __BUILD__: string;
