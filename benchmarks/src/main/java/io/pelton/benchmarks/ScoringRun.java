package io.pelton.benchmarks;

import java.nio.file.Path;
import java.util.List;

/**
 * What a process of the inference benchmarks is to run.
 *
 * @param prepared what {@link ScoredModel#prepare} wrote
 * @param directory of the run
 * @param batch most rows at a time, where there are batches
 * @param delay of a batch that is not full, milliseconds
 * @param rate rows a second; 0 for as many as go through
 * @param warmUp seconds before the measurement
 * @param seconds of the measurement
 * @param port the model server's; 0 without one
 * @param server its process; 0 without one
 */
record ScoringRun(
    Contender contender,
    ScoredModel model,
    Path prepared,
    Path directory,
    int batch,
    int delay,
    int rate,
    int warmUp,
    int seconds,
    int port,
    long server) {

  List<String> toArguments() {
    return List.of(
        contender.name(),
        model.name(),
        prepared.toString(),
        directory.toString(),
        Integer.toString(batch),
        Integer.toString(delay),
        Integer.toString(rate),
        Integer.toString(warmUp),
        Integer.toString(seconds),
        Integer.toString(port),
        Long.toString(server));
  }

  static ScoringRun parse(String[] arguments) {
    return new ScoringRun(
        Contender.valueOf(arguments[0]),
        ScoredModel.valueOf(arguments[1]),
        Path.of(arguments[2]),
        Path.of(arguments[3]),
        Integer.parseInt(arguments[4]),
        Integer.parseInt(arguments[5]),
        Integer.parseInt(arguments[6]),
        Integer.parseInt(arguments[7]),
        Integer.parseInt(arguments[8]),
        Integer.parseInt(arguments[9]),
        Long.parseLong(arguments[10]));
  }

  Path onnx() {
    return prepared.resolve(ScoredModel.ONNX);
  }
}
