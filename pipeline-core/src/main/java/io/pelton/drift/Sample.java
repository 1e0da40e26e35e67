package io.pelton.drift;

import java.io.IOException;

/** All values of one side of a comparison, in order, however many they are. */
public interface Sample {
  /** Values, infinite ones too. */
  long count();

  /** Rows without a value: empty, null or NaN. */
  long missing();

  /** The values, from the smallest on; as often as wanted. */
  ValueGroups groups() throws IOException;
}
