package io.pelton.benchmarks;

import io.pelton.cli.embedded.EmbeddedFlink;
import java.nio.file.Path;
import java.util.List;

/**
 * What a process of the feature benchmarks is to run.
 *
 * @param pipeline the job's pipeline file, whose windows every job computes
 * @param events file of {@link ReplayedEvents}
 * @param keysInOne how many of the events' keys are taken as one
 * @param warmUp events before the measurement, at least
 * @param seconds of the measurement, and of the warm-up at least; unused with stages
 * @param stageEvents events of a stage, each measured and snapshot for itself; 0 for one stage by
 *     the clock
 * @param directory of the run: the sample, savepoints
 */
record FeatureRun(
    FeatureJob job,
    Path pipeline,
    Path events,
    int keysInOne,
    EmbeddedFlink.State state,
    long warmUp,
    int seconds,
    int stageEvents,
    int stages,
    int sampleEvery,
    Path directory) {

  List<String> toArguments() {
    return List.of(
        job.name(),
        pipeline.toString(),
        events.toString(),
        Integer.toString(keysInOne),
        state.name(),
        Long.toString(warmUp),
        Integer.toString(seconds),
        Integer.toString(stageEvents),
        Integer.toString(stages),
        Integer.toString(sampleEvery),
        directory.toString());
  }

  static FeatureRun parse(String[] arguments) {
    return new FeatureRun(
        FeatureJob.valueOf(arguments[0]),
        Path.of(arguments[1]),
        Path.of(arguments[2]),
        Integer.parseInt(arguments[3]),
        EmbeddedFlink.State.valueOf(arguments[4]),
        Long.parseLong(arguments[5]),
        Integer.parseInt(arguments[6]),
        Integer.parseInt(arguments[7]),
        Integer.parseInt(arguments[8]),
        Integer.parseInt(arguments[9]),
        Path.of(arguments[10]));
  }

  Path sample() {
    return directory.resolve("sample");
  }
}
