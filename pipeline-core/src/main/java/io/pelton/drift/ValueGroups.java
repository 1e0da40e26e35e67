package io.pelton.drift;

import java.io.IOException;

/** The distinct values of a sample in ascending order, each with how often it comes; read once. */
public interface ValueGroups {
  /** Goes to the next value; false when there is none. */
  boolean next() throws IOException;

  /** Not NaN; zero is never negative. */
  double value();

  long count();
}
