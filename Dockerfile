# `lmsc serve` without PyTorch: docs/how-to/serve.md tells how to run it.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src ./src
RUN python -m venv /opt/lmsc && /opt/lmsc/bin/pip install --no-cache-dir -c constraints.txt ".[serve]"

FROM python:3.12-slim
COPY --from=build /opt/lmsc /opt/lmsc
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin lmsc
USER 10001
ENV PATH=/opt/lmsc/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Listening beyond the container needs LMSC_TOKEN: it does not start without.
ENTRYPOINT ["lmsc", "serve", "--host", "0.0.0.0"]
