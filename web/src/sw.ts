/** Keeps the page itself for use without a network; models are kept by the worker when they are first used. */

declare const __SHELL__: string[];
declare const __SHELL_BUILD__: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const CACHE = "lmsc-page-" + __SHELL_BUILD__;
const MODELS = "lmsc-models-" + __BUILD__;

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(__SHELL__)).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(removeOld().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const isOurs = event.request.method === "GET" && new URL(event.request.url).origin === worker.location.origin;
  if (isOurs) event.respondWith(answer(event.request));
});

async function removeOld(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("lmsc-") && name !== CACHE && name !== MODELS);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The page from the network while there is one, all else from the cache first. */
async function answer(request: Request): Promise<Response> {
  if (request.mode === "navigate") {
    return fetch(request).catch(async () => (await kept("./")) ?? Response.error());
  }
  return (await kept(request)) ?? fetch(request);
}

async function kept(request: Request | string): Promise<Response | undefined> {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true })) ?? (await (await caches.open(MODELS)).match(request));
}
