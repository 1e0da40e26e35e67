#!/usr/bin/env bash
# Runs one model on the CPU and on a GPU of this machine as a job does, compares the outputs, and prints rows a second by batch size.
#
#   deploy/gpu/check.sh [--registry DIR --model NAME] [--gpu INDEX] [--seconds N]
#
# Needed: JDK 17, Maven, NVIDIA's driver, and CUDA 12 with cuDNN 9 where LD_LIBRARY_PATH finds them. Without --model it makes up a network.
# Exit code: 0 the outputs agree to 1e-5; 1 they do not; 2 there is no GPU that the model can use. docs/gpu.md says more.
set -euo pipefail

if ! gpus=$(nvidia-smi -L 2>&1) || [[ $gpus != GPU* ]]; then
  echo "check.sh: this machine has no GPU that NVIDIA's driver knows; nothing was run (nvidia-smi -L: ${gpus##*: })" >&2
  exit 2
fi
echo "$gpus"

home=$(cd "$(dirname "$0")/../.." && pwd)
mvn -q -B -f "$home" -Pgpu -pl benchmarks -am test-compile dependency:build-classpath \
  -Dmdep.outputFile=target/class-path-gpu.txt -Dmdep.includeScope=runtime -DexcludeArtifactIds=onnxruntime

# TF32 keeps ten bits of a product's factors: golden rows would not be reproduced.
export NVIDIA_TF32_OVERRIDE=${NVIDIA_TF32_OVERRIDE:-0}
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -Dpelton.engines.log=warn \
  -cp "$home/benchmarks/target/classes:$(<"$home/benchmarks/target/class-path-gpu.txt")" \
  io.pelton.benchmarks.Benchmarks device "$@"
