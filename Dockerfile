# The model server alone, for SageMaker or for any other place that runs containers:
#
#   docker build -t gyropilot-serving .
#   docker run -p 8080:8080 -v "$PWD/model:/opt/ml/model:ro" gyropilot-serving    # model: an unpacked model.tar.gz

FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements-build.lock requirements-serving.lock ./
RUN python -m venv --without-pip /opt/gyropilot \
    && python -m pip install --no-cache-dir --no-compile -r requirements-build.lock \
    && python -m pip --python /opt/gyropilot/bin/python install --no-cache-dir --no-compile -r requirements-serving.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Without its dependencies: training needs them, serving does not.
RUN python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir wheels . \
    && python -m pip --python /opt/gyropilot/bin/python install --no-cache-dir --no-compile --no-deps --no-index wheels/*.whl

FROM python:3.12-slim
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true
COPY --from=build /opt/gyropilot /opt/gyropilot
ENV PATH=/opt/gyropilot/bin:$PATH PYTHONUNBUFFERED=1 SM_MODEL_DIR=/opt/ml/model
USER 65534:65534
EXPOSE 8080
ENTRYPOINT ["python", "-m", "gyropilot.serving"]
CMD ["serve"]
