"""`lmsc serve`: models behind HTTP."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def serve(
    *,
    model: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    allowed_host: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    workers: int = 2,
    queue: int = 16,
    max_upload_mib: float = 256.0,
    max_pixels: int = 2**25,
    max_samples: int = 2**27,
    max_upload_s: float = 60.0,
    max_work_s: float = 120.0,
    label_studio: str | None = None,
    label_studio_root: Path | None = None,
    fit_into: Path | None = None,
    fit_epochs: int | None = None,
    backend: str | None = None,
    threads: int | None = None,
) -> int:
    """Serve models over HTTP: POST /v1/segment and /v1/detect, GET /v1/models, /healthz, /readyz and /metrics.

    Ctrl-C or SIGTERM ends it once every request that was taken is answered. Exit code: 0 stopped, 1 wrong use.

    Args:
        model: A bundled model's name, a run folder or a model file; may be repeated. By default all bundled models.
        host: The address to listen at; beyond this machine a token is needed.
        port: The port; 0 takes a free one.
        token: What clients must send as Authorization: Bearer TOKEN. Better set LMSC_TOKEN, which `ps` does not show.
        allowed_host: One more name by which clients call the server; may be repeated.
        workers: Requests that are worked on at once, sharing the processors; each takes memory of its own.
        queue: Requests that may wait; the next is told to come back later.
        max_upload_mib: The largest upload, in MiB.
        max_pixels: The most pixels of an image, as the network sees it.
        max_samples: The most samples of a recording, over all its channels.
        max_upload_s: Seconds in which an upload must be complete.
        max_work_s: Seconds from a complete upload to its answer, waiting included.
        label_studio: The address of a Label Studio, such as http://localhost:8080, whose ML backend this is;
            LABEL_STUDIO_API_KEY is the key of its API.
        label_studio_root: The folder of Label Studio's local files.
        fit_into: Folder for trainings that Label Studio asks for: data, runs and model files; needs PyTorch.
        fit_epochs: Epochs of such a training; by default as `lmsc train`.
        backend: Runtime of the models: onnxruntime, openvino, cuda, tensorrt, or torch for a run; by default the
            fastest installed.
        threads: Threads for one request; by default the processors divided by the workers.
    """
    from lmsc_unet.apps.serve.application import build_application
    from lmsc_unet.apps.serve.label_studio.fitting import make_fitter
    from lmsc_unet.apps.serve.label_studio.task_images import KEY_VARIABLE, LabelStudio
    from lmsc_unet.apps.serve.running import run_until_stopped
    from lmsc_unet.apps.serve.served import load_models
    from lmsc_unet.apps.serve.server_options import TOKEN_VARIABLE, ServeOptions
    from lmsc_unet.core.memory import return_freed_memory
    from lmsc_unet.inference.runtime import Runtime

    options = ServeOptions(
        host=host,
        port=port,
        models=model,
        token=token or os.environ.get(TOKEN_VARIABLE) or None,
        allowed_hosts=allowed_host,
        workers=workers,
        queue=queue,
        max_upload_mib=max_upload_mib,
        max_pixels=max_pixels,
        max_samples=max_samples,
        max_upload_s=max_upload_s,
        max_work_s=max_work_s,
        backend=backend,
        threads=threads,
    )
    return_freed_memory()
    models = load_models(options.models, Runtime(backend=options.backend, threads=options.threads), options.workers)
    names = ", ".join((*models.predictors, *models.detectors))

    def tell(address: str) -> None:
        print(f"Serving {names} at {address}; stop by Ctrl-C.", file=sys.stderr, flush=True)

    studio = None
    if label_studio is not None or label_studio_root is not None:
        studio = LabelStudio(host=label_studio, key=os.environ.get(KEY_VARIABLE), root=label_studio_root)
    fitter = None
    if fit_into is not None:
        fitter = make_fitter(studio, fit_into, fit_epochs, options, models)
    run_until_stopped(build_application(options, models, studio, fitter), options, tell)
    return 0
