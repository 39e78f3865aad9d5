"""What a server counts, as Prometheus reads it; labels have few values, none of which a client invents."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from lmsc_unet.apps.serve.desk import Desk

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of the metrics."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_OTHER = "other"


class Counters:
    """The metrics of one server."""

    def __init__(self, desk: Desk) -> None:
        """Registers all metrics, the process's memory and time among them."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each
        self.registry = CollectorRegistry()
        """What is read by `/metrics`."""
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter("lmsc_requests", "Requests answered.", ("endpoint", "status"), registry=self.registry)
        self._seconds = Histogram(
            "lmsc_request_seconds",
            "From a request's headers to the end of its answer.",
            ("endpoint",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._answers = Counter("lmsc_answers", "Answers of models.", ("model",), registry=self.registry)
        held = Gauge("lmsc_requests_held", "Requests uploading, waiting or worked on.", registry=self.registry)
        held.set_function(lambda: desk.num_taken)

    def count_request(self, endpoint: str | None, status: int, seconds: float) -> None:
        """Counts a request of an endpoint, or of none."""
        self._requests.labels(endpoint or _OTHER, str(status)).inc()
        self._seconds.labels(endpoint or _OTHER).observe(seconds)

    def count_answer(self, model: str) -> None:
        """Counts an answer of a model that is served."""
        self._answers.labels(model).inc()

    def text(self) -> bytes:
        """All metrics."""
        return generate_latest(self.registry)
