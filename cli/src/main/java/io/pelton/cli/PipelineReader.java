package io.pelton.cli;

import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.nio.file.Path;

/** Reads and validates a pipeline file. */
public interface PipelineReader {
  PipelineDefinition read(Path file) throws IOException;
}
