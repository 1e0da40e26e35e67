package io.pelton.pipeline;

import java.util.List;
import java.util.stream.Collectors;

/** A pipeline file that does not hold; it carries every problem found. */
public final class InvalidPipelineException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  public InvalidPipelineException(List<Problem> problems) {
    super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
    this.problems = List.copyOf(problems);
  }

  /** All problems, in the file's order. */
  public List<Problem> problems() {
    return problems;
  }
}
